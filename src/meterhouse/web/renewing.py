"""Who makes anew what is shown a while longer? One thread, and first what is asked for most meanwhile.

One thing at a time: after a build the pages of many become old at once, and other questions are asked, too.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from django.db import close_old_connections

from meterhouse.web import present
from meterhouse.web.turns import coming_first

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Wanted:
    """What is to be made, and how often it was asked for until now."""

    make: Callable[[], object]
    times: int = 0


_waiting: dict[Hashable, _Wanted] = {}  # the one that was asked for first stands first
_changed = threading.Condition()
_started = threading.Event()
_stopping = threading.Event()


def renew_later(key: Hashable, make: Callable[[], object]) -> None:
    """Have `make` called soon, as for a request of its own: once, however often that is wanted until then."""
    with _changed:
        _waiting.setdefault(key, _Wanted(make)).times += 1
        _changed.notify()
        if not _started.is_set():
            _started.set()
            thread = threading.Thread(target=_renew, name="renewing", daemon=True)
            thread.start()
            atexit.register(_stop, thread)


def _renew() -> None:
    while True:
        with _changed:
            while not _waiting and not _stopping.is_set():
                _changed.wait()
            if _stopping.is_set():
                return
            make = _waiting.pop(max(_waiting, key=lambda key: _waiting[key].times)).make
        try:
            with present.one_state(), coming_first():
                make()
        except Exception:  # whoever asks when it is too old makes it themselves, and is told what is wrong
            _log.exception("a page wasn't made anew")
        finally:
            close_old_connections()


def _stop(thread: threading.Thread) -> None:
    """The process ends, which no thread may do in the middle of a question."""
    with _changed:
        _stopping.set()
        _changed.notify()
    thread.join()
