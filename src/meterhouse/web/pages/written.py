"""Which part of a page needn't be written again? One that is made of nothing but what its key says."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from meterhouse.web import kept
from meterhouse.web.rights import Right


def written(
    template: str,
    right: Right,
    state: tuple[Hashable, ...],
    asked: tuple[Hashable, ...],
    make: Callable[[], dict[str, Any]],
) -> SafeString:
    """The HTML of `template` filled with what `make` gives.

    The template knows neither the request nor who asks, and `make` must know no more than the key: what
    may be seen (`right`), how usage, directory and ledger are (`state`), and what is `asked`, the day
    included. What is somebody's own (name, form tokens) belongs to the page around it.
    """

    def write() -> SafeString:
        return render_to_string(template, make())

    return kept.WRITTEN.get((template, right, state, asked), write)
