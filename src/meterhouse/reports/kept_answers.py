"""Was this asked before, of the same state? Answers of this process, kept for who asks next.

A snapshot never changes, so that neither does an answer as of it: a new record, build or change of the
directory makes a new snapshot, and with it a new question.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING

from meterhouse.usage.answer import Answer
from meterhouse.usage.question import Question

if TYPE_CHECKING:
    from meterhouse.site import Site
    from meterhouse.warehouse.view import View

_MOST_ANSWERS, _MOST_ROWS = 512, 5_000
_kept: OrderedDict[Hashable, Answer] = OrderedDict()
_lock = Lock()


def kept_answer(site: Site, view: View, question: Question, make: Callable[[], Answer]) -> Answer:
    """The answer that was given before to the same question, else the one that `make` gives now."""
    at = _place(site, view, question)
    with _lock:
        found = _kept.get(at)
        if found is not None:
            _kept.move_to_end(at)
            return found
    answer = make()
    if len(answer.rows) <= _MOST_ROWS:
        with _lock:
            _kept[at] = answer
            while len(_kept) > _MOST_ANSWERS:
                _kept.popitem(last=False)
    return answer


def forget_answers() -> None:
    """As if nothing had been asked."""
    with _lock:
        _kept.clear()


def _place(site: Site, view: View, question: Question) -> Hashable:
    return (
        view.root,
        view.snapshot,
        view.recorded_until,  # another site may come to stand in the same folder
        site.settings.site.time_zone,
        repr(site.settings.resources),  # capacities
        question.realm.profile,
        question.realm.name,
        question.meters,
        question.first,
        question.last,
        question.period,
        question.groupings,
        question.filters,
    )
