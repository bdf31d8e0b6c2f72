"""Who waits after a build? Nobody: what many pages need of a new state is made as soon as that is seen."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Hashable

from django.db import close_old_connections

from meterhouse.web.answering import present_state
from meterhouse.web.pages.kept_register import directory
from meterhouse.web.pages.overview import ask_for_all

_EVERY_SECONDS = 2.0
_log = logging.getLogger(__name__)


def keep_warm() -> None:
    """Look for new states from now on, beside what this process is asked."""
    threading.Thread(target=_look, name="warming", daemon=True).start()


def _look() -> None:
    prepared: Hashable = None
    while True:
        try:
            state = present_state()
            if state != prepared:
                prepare()
                prepared = state
        except Exception:  # whoever asks next makes it themselves, and is told what is wrong
            _log.exception("what pages need of the new state wasn't made")
        finally:
            close_old_connections()
        time.sleep(_EVERY_SECONDS)


def prepare() -> None:
    """What doesn't depend on who asks: the directory, its tables in an engine, the Overview's sums."""
    ask_for_all()
    directory()
