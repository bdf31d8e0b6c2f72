"""How does a site keep its ledger? Loads, rebuilds, closes and alerts, with its own usage and settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.alerting import Delivered, Send, deliver, leader_addresses, note_crossings
from meterhouse.allocations.closing import LateChange, close_period, post_late_changes
from meterhouse.allocations.file.reading import read_file
from meterhouse.allocations.loading.load import Loaded, load, periods_to_close
from meterhouse.allocations.rebuilding import Rebuilt, rebuild
from meterhouse.allocations.register import models as ledger
from meterhouse.directory.register.models import Project
from meterhouse.errors import QuestionError
from meterhouse.operations.allocations.measuring import Measured, measured_uses
from meterhouse.operations.allocations.sending import post_webhook, send_mail
from meterhouse.register.transactions import asked

if TYPE_CHECKING:
    from meterhouse.site import Site


@dataclass(frozen=True, slots=True)
class SiteRebuilt:
    """What a rebuild wrote, what nobody owns, and what was learnt of closed periods."""

    rebuilt: Rebuilt
    measured: Measured
    late: tuple[LateChange, ...] = ()


def load_file(site: Site, path: Path, *, who: str, dry_run: bool) -> Loaded:
    """Load a ledger file into the site's register. Periods that it says are closed must be so already."""
    contents = read_file(path)
    alias = site.register.alias
    rows = ledger.AllocationPeriod.objects.using(alias).filter(status="closed").values_list("name", flat=True)
    closed = set(asked(alias, lambda: list(rows)))
    for name, _ in periods_to_close(contents.entities):
        if name not in closed:
            raise QuestionError(
                f"period {name}: a file doesn't close it; `meterhouse allocations close {name}` does"
            )
    return load(
        alias,
        contents,
        who=who,
        why=f"allocations load {path.name}",
        time_zone=site.settings.site.time_zone,
        dry_run=dry_run,
    )


def rebuild_ledger(site: Site, *, who: str, late: bool = False) -> SiteRebuilt:
    """Work out all open periods anew; with `late`, compare closed ones with what is known by now."""
    alias = site.register.alias
    if not late:
        measured = measured_uses(site)
        return SiteRebuilt(rebuild(alias, measured.uses), measured)
    measured = measured_uses(site, closed=True)
    today = datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
    changes = post_late_changes(alias, measured.uses, today=today, who=who)
    return SiteRebuilt(rebuild(alias, measured.uses), measured, tuple(changes))


def close(site: Site, period: str, *, who: str) -> list[ledger.PoolStatement]:
    """Close a period for good, after working it out a last time."""
    return close_period(site.register.alias, period, measured_uses(site).uses, who=who)


def default_day(site: Site) -> date:
    """The day that figures are of when none is asked for: today, or the last day that was charged."""
    alias = site.register.alias
    today = datetime.now(ZoneInfo(site.settings.site.time_zone)).date()
    rows = ledger.UsageCharge.objects.using(alias).order_by("-day").values_list("day", flat=True)
    last = asked(alias, rows.first)
    return max(today, last) if last else today


def require_project(site: Site, code: str) -> Project:
    """The project that commands call `code`. Raises QuestionError."""
    rows = Project.objects.using(site.register.alias).filter(code=code)
    project = asked(site.register.alias, rows.first)
    if project is None:
        raise QuestionError(f"project: expected a known code, found {code!r}")
    return project


def alert(site: Site, *, as_of: date | None = None, send: bool = True) -> tuple[int, Delivered]:
    """Note new crossings and tell about them. Answers how many are new, and what was sent."""
    section = site.settings.alerts
    alias = site.register.alias
    senders: dict[str, Send] = {}
    if section.mail is not None:
        leaders = partial(leader_addresses, alias)
        senders["mail"] = partial(
            send_mail,
            section=section.mail,
            site_path=site.path,
            site_name=site.settings.site.name,
            leaders=leaders,
        )
    if section.webhook is not None:
        senders["webhook"] = partial(post_webhook, section=section.webhook, site_path=site.path)
    day = as_of or default_day(site)
    new = note_crossings(alias, section.percentages, list(senders), day, datetime.now(UTC))
    return new, deliver(alias, senders) if send else Delivered(0, ())
