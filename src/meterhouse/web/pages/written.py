"""Which part of a page needn't be written again? One that is made of nothing but what its key says.

What people have decided (who somebody is, what is theirs, how much they may use) is shown as it is now.
What is counted from that and from records may be shown as it was up to `kept.BEHIND_SECONDS` ago, while it
is written anew: nobody waits for a build.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from meterhouse.web import kept
from meterhouse.web.renewing import renew_later
from meterhouse.web.rights import Right


@dataclass(frozen=True, slots=True)
class State:
    """What a part of a page was made of: `decided` by people, and `counted` by the site."""

    decided: tuple[Hashable, ...]
    counted: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """HTML, and whether a newer one is being written."""

    html: SafeString
    behind: bool

    def __str__(self) -> SafeString:
        return self.html


def written(
    template: str,
    right: Right,
    state: Callable[[], State],
    asked: tuple[Hashable, ...],
    make: Callable[[], dict[str, Any]],
) -> Written:
    """The HTML of `template` filled with what `make` gives.

    The template knows neither the request nor who asks, and `make` must know no more than the key: what
    may be seen (`right`), how usage, directory and ledger are (`state`), and what is `asked`, the day
    included. What is somebody's own (name, form tokens) belongs to the page around it.

    `state` and `make` may be called again later, for a state that is newer then.
    """
    now = state()
    key = (template, right, asked, now.decided)

    def write() -> SafeString:
        return render_to_string(template, make())

    def write_anew() -> None:
        later = state()
        if later.decided == now.decided:  # otherwise nobody will ask for this again
            kept.WRITTEN.make(key, later.counted, write)

    html, behind = kept.WRITTEN.get(key, now.counted, write)
    if behind:
        renew_later(key, write_anew)
    return Written(html, behind)
