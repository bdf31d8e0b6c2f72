"""Which site does this process serve? The one that was named when it started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from meterhouse.site import Site

_SERVED: list[Site] = []


def serve_site(site: Site) -> None:
    """Say which it is, once."""
    assert not _SERVED, "a process serves one site"
    _ = site.warehouse  # opened before the first threads ask for it
    _SERVED.append(site)


def served_site() -> Site:
    """The site of this process."""
    return _SERVED[0]
