"""Who waits after a build or a start? Nobody: what pages need is made before it is asked for.

What all pages need of a state is made as soon as that is seen. When a process starts, that and the first
pages of those whose log-in still lasts, who came last first, are made before it answers anybody; what takes
longer than a few seconds is made beside.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import close_old_connections, connections
from django.template.loader import get_template

from meterhouse.web.answering import present_state
from meterhouse.web.pages.kept_register import directory
from meterhouse.web.pages.overview import ask_for_all, overview_of
from meterhouse.web.renewing import renew_later
from meterhouse.web.rights import Visitor
from meterhouse.web.settings import TEMPLATES_FOLDER as TEMPLATES
from meterhouse.web.visitors import NOBODY, kept_right_of, visitor_of

_EVERY_SECONDS = 2.0
_ACCOUNTS = 100  # whose first page is made at the start
_AT_MOST_SECONDS = 5.0  # that the start takes longer for them
_log = logging.getLogger(__name__)


def keep_warm() -> None:
    """Make what pages need now, and of each new state from now on, beside what this process is asked."""
    _load()
    prepared = _prepared(None)
    try:
        first_pages()
    except Exception:
        _log.exception("nobody's first page was made")
    finally:
        connections.close_all()  # of this thread, which answers nobody
    threading.Thread(target=_look, args=(prepared,), name="warming", daemon=True).start()


def _look(prepared: Hashable) -> None:
    while True:
        time.sleep(_EVERY_SECONDS)
        prepared = _prepared(prepared)


def _prepared(before: Hashable) -> Hashable:
    """The state of which all has been made: the present one, or the one before where that failed."""
    try:
        state = present_state()
        if state != before:
            prepare()
        return state
    except Exception:  # whoever asks next makes it themselves, and is told what is wrong
        _log.exception("what pages need of the new state wasn't made")
        return before
    finally:
        close_old_connections()


def _load() -> None:
    """Every page's code and template: Django reads them when they are first asked for."""
    import_module(settings.ROOT_URLCONF)
    for template in sorted(TEMPLATES.glob("*.html")):
        get_template(template.name)


def prepare() -> None:
    """What doesn't depend on who asks: the directory, its tables in an engine, the Overview's sums."""
    ask_for_all()
    directory()


def first_pages() -> None:
    """Make the Overview for those who are logged in, or have it made beside if that takes long."""
    until = time.monotonic() + _AT_MOST_SECONDS
    since = datetime.now(UTC) - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    accounts = get_user_model().objects.filter(last_login__gte=since).select_related("access")
    for account in accounts.order_by("-last_login")[:_ACCOUNTS]:
        visitor = visitor_of(account)
        if visitor == NOBODY:
            continue
        if time.monotonic() < until:
            _first_page(visitor)
        else:
            renew_later(("first page", visitor), partial(_first_page, visitor))


def _first_page(visitor: Visitor) -> None:
    overview_of(kept_right_of(visitor))
