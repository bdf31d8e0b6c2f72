"""Which pools crossed a percentage, and has somebody been told? Once a crossing, on each channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db.models import F

import meterhouse.register.configured  # noqa: F401
from meterhouse.allocations.asking import Ledger, PoolRow
from meterhouse.allocations.register import models as ledger
from meterhouse.allocations.rules.figures import Figures
from meterhouse.allocations.rules.quantities import shown
from meterhouse.directory.register.models import ProjectMembership
from meterhouse.errors import MeterhouseError
from meterhouse.register.transactions import asked, committed


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is told. `id` stays the same when it is sent again."""

    id: int
    pool: str
    project: str
    project_id: int
    period: str
    resource_pool: str
    units: str
    threshold: Decimal
    percent: Decimal | None
    used: Decimal
    allocated: Decimal
    crossed_at: datetime

    def as_record(self) -> dict[str, str | int | None]:
        """As JSON has it: exact quantities as text."""
        return {
            "id": self.id,
            "project": self.project,
            "allocation_pool": self.pool,
            "period": self.period,
            "resource_pool": self.resource_pool,
            "units": self.units,
            "threshold_percent": shown(self.threshold),
            "used_percent": shown(self.percent),
            "used": shown(self.used),
            "allocated": shown(self.allocated),
            "remaining": shown(self.allocated - self.used),
            "crossed_at": self.crossed_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }


Send = Callable[[Notice], None]


def has_crossed(found: Figures, threshold: Decimal) -> bool:
    """Whether use has reached the percentage. What is used without any allocation has crossed all."""
    if found.percent is None or found.allocated < 0:
        return found.used > 0
    return found.percent >= threshold


def note_crossings(
    alias: str, percentages: Sequence[Decimal], channels: Sequence[str], as_of: date, now: datetime
) -> int:
    """Keep an alert for each new crossing, end those that fell below; how many are new.

    Pools of open periods that run on `as_of`. A crossing counts again once use had fallen below it.
    """

    def work() -> int:
        book = Ledger(alias)
        pools = [pool for pool in book.pools() if _runs(book, pool, as_of)]
        found = book.figures([pool.id for pool in pools], as_of)
        open_alerts = {
            (alert.pool_id, alert.threshold): alert
            for alert in ledger.Alert.objects.using(alias).filter(fell_at__isnull=True)
        }
        new = 0
        for pool in pools:
            figures = found[pool.id]
            for threshold in percentages:
                alert = open_alerts.get((pool.id, threshold))
                crossed = has_crossed(figures, threshold)
                if crossed and alert is None:
                    _keep(alias, figures, pool.id, threshold, channels, now)
                    new += 1
                elif alert is not None and not crossed:
                    alert.fell_at = now
                    alert.save(using=alias)
        return new

    return committed(alias, work)


def _runs(book: Ledger, pool: PoolRow, as_of: date) -> bool:
    period = book.paying.periods[book.paying.pools[pool.id].period]
    return not period.closed and period.start <= as_of < period.end


def _keep(
    alias: str, figures: Figures, pool: int, threshold: Decimal, channels: Iterable[str], now: datetime
) -> None:
    alert = ledger.Alert(
        pool_id=pool,
        threshold=threshold,
        crossed_at=now,
        percent=figures.percent,
        used=figures.used,
        allocated=figures.allocated,
    )
    alert.save(using=alias, force_insert=True)
    for channel in channels:
        ledger.AlertDelivery(alert=alert, channel=channel).save(using=alias, force_insert=True)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was sent now, and what could not be: `failed` has one line each."""

    sent: int
    failed: tuple[str, ...]


def deliver(alias: str, senders: Mapping[str, Send]) -> Delivered:
    """Send what is still to be sent. What fails is kept and tried again by the next run.

    Nothing is sent inside a transaction. Of two processes one sends: who counts the attempt first.
    """
    waiting = ledger.AlertDelivery.objects.using(alias).filter(
        sent_at__isnull=True, channel__in=list(senders)
    )
    rows = asked(alias, lambda: list(waiting.order_by("id").values_list("id", "attempts", "channel")))
    sent, failed = 0, []
    for id_, attempts, channel in rows:
        mine = ledger.AlertDelivery.objects.using(alias).filter(
            id=id_, attempts=attempts, sent_at__isnull=True
        )
        if not committed(alias, lambda mine=mine: mine.update(attempts=F("attempts") + 1)):  # type: ignore[misc]
            continue  # another process sends it
        notice = _notice(alias, id_)
        try:
            senders[channel](notice)
        except (OSError, MeterhouseError) as error:  # a secret that is missing, too, is told and tried again
            why = f"{channel}: {' '.join(str(error).split()) or type(error).__name__}"[:500]
            failed.append(f"{notice.project}, {notice.pool}: {why}")
            _note(alias, id_, last_error=why)
        else:
            sent += 1
            _note(alias, id_, sent_at=datetime.now(UTC), last_error="")
    return Delivered(sent, tuple(failed))


def _note(alias: str, delivery: int, **values: object) -> None:
    row = ledger.AlertDelivery.objects.using(alias).filter(id=delivery)
    committed(alias, lambda: row.update(**values))


def _notice(alias: str, delivery: int) -> Notice:
    related = ("alert__pool__project", "alert__pool__period", "alert__pool__resource_pool")
    rows = ledger.AlertDelivery.objects.using(alias).select_related(*related)
    alert = asked(alias, lambda: rows.get(id=delivery)).alert
    pool = alert.pool
    return Notice(
        alert.pk,
        pool.code or str(pool),
        pool.project.code,
        pool.project_id,
        pool.period.name,
        pool.resource_pool.name,
        pool.resource_pool.units,
        alert.threshold,
        alert.percent,
        alert.used,
        alert.allocated,
        alert.crossed_at,
    )


def leader_addresses(alias: str, project: int, day: date) -> list[str]:
    """The mail addresses of who leads the project on that day."""
    rows = ProjectMembership.objects.using(alias).filter(project=project, is_leader=True)
    members = asked(alias, lambda: list(rows.select_related("person").order_by("id")))
    return sorted({one.person.email for one in members if one.person.email and one.holds_on(day)})
