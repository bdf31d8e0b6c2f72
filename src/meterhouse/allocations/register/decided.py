"""What was used, and what did the ledger decide about it? Posted usage, charges, draws, statements."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint, Value
from django.db.models.functions import Coalesce

from meterhouse.allocations.register.fields import QuantityField
from meterhouse.allocations.register.grants import Allocation, AllocationPeriod, AllocationPool
from meterhouse.allocations.register.resources import Resource
from meterhouse.directory.register.models import Account, Person, Project
from meterhouse.directory.register.recorded import Recorded, never_deleted
from meterhouse.register.constraints import NeverDeleted, RefusedWhen

PROTECT = models.PROTECT


class PostedUsage(Recorded):
    """Usage that came by file, a site day a row; sent again under its key it is replaced.

    What collectors read stays in the warehouse, and is asked there when a period is rebuilt.
    """

    code = models.CharField(max_length=255)  # what files call it
    key = models.CharField(max_length=255)  # sent again, it replaces
    day = models.DateField()
    resource = models.ForeignKey(Resource, on_delete=PROTECT, related_name="posted_usage")
    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="posted_usage")
    account = models.ForeignKey(
        Account, null=True, blank=True, on_delete=PROTECT, related_name="posted_usage"
    )
    person = models.ForeignKey(Person, null=True, blank=True, on_delete=PROTECT, related_name="posted_usage")
    raw = QuantityField()
    count = models.IntegerField(default=1)
    recorded_on = models.DateField(null=True, blank=True)  # null: known since ever
    is_void = models.BooleanField(default=False)  # replaced by a later sending

    class Meta:
        verbose_name_plural = "posted usage"
        constraints = [
            never_deleted("posted_usage"),
            UniqueConstraint(name="posted_usage_is_one_a_key", fields=["key", "resource", "day"]),
            CheckConstraint(name="posted_usage_has_a_key", condition=~Q(key="") & ~Q(code="")),
            CheckConstraint(name="posted_usage_count_is_not_negative", condition=Q(count__gte=0)),
            RefusedWhen(name="posted_usage_is_not_negative", condition="CAST(NEW.raw AS NUMERIC) < 0"),
        ]


class SuspendedUsage(models.Model):
    """Usage by file that nobody can be found for: kept in raw units until its names are known."""

    key = models.CharField(max_length=255)
    code = models.CharField(max_length=255)
    record = models.JSONField()  # as it was sent
    reason = models.CharField(max_length=500)
    raw = QuantityField()

    class Meta:
        verbose_name_plural = "suspended usage"
        constraints = [
            UniqueConstraint(name="suspended_usage_is_one_a_key", fields=["key"]),
            CheckConstraint(name="suspended_usage_has_a_reason", condition=~Q(reason="")),
        ]


class UsageCharge(models.Model):
    """Use of one resource by one project on one day, or part of it, and who pays. Rebuilt while open.

    `posted` is the usage it comes from when that came by file; otherwise the warehouse knows. There are
    many of them: they have the indexes that are asked by, and no more.
    """

    period = models.ForeignKey(
        AllocationPeriod, null=True, on_delete=PROTECT, related_name="charges", db_index=False
    )
    day = models.DateField()
    resource = models.ForeignKey(Resource, on_delete=PROTECT, related_name="charges", db_index=False)
    submitted_project = models.ForeignKey(
        Project, on_delete=PROTECT, related_name="submitted_charges", db_index=False
    )
    allocated_project = models.ForeignKey(
        Project, on_delete=PROTECT, related_name="allocated_charges", db_index=False
    )
    pool = models.ForeignKey(
        AllocationPool, null=True, on_delete=PROTECT, related_name="charges", db_index=False
    )
    posted = models.ForeignKey(
        PostedUsage, null=True, on_delete=PROTECT, related_name="charges", db_index=False
    )
    raw = QuantityField()
    factor = QuantityField()
    quantity = QuantityField()
    estimated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            UniqueConstraint(
                "day",
                "resource",
                "submitted_project",
                "allocated_project",
                Coalesce("pool", Value(0)),
                Coalesce("posted", Value(0)),
                name="usage_charge_is_one_a_day",
            ),
            RefusedWhen(
                name="usage_charge_pool_is_its_projects",
                condition="""NEW.pool_id IS NOT NULL AND NEW.allocated_project_id <> (
                    SELECT p.project_id FROM allocations_allocationpool AS p WHERE p.id = NEW.pool_id
                )""",
            ),
            RefusedWhen(
                name="usage_charge_is_of_an_open_period",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_allocationperiod AS d
                    WHERE d.id = NEW.period_id AND d.status = 'closed'
                )""",
                on=("INSERT", "UPDATE"),
            ),
            RefusedWhen(
                name="usage_charge_of_a_closed_period_stays",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_allocationperiod AS d
                    WHERE d.id = OLD.period_id AND d.status = 'closed'
                )""",
                on=("DELETE",),
            ),
        ]
        indexes = [
            Index(name="usage_charge_by_pool", fields=["pool", "day"]),
            Index(name="usage_charge_by_period", fields=["period"]),
        ]


class UsageAdjustment(Recorded):
    """A correction by hand, or the ledger's own after a period was closed. Never changed.

    A void takes back a posted usage, an adjustment, or what the warehouse says of a resource on a day
    (of one project, or of all). Pools of levels know voids only.
    """

    KINDS = [("refund", "refund"), ("charge", "charge"), ("void", "void")]

    code = models.CharField(max_length=255, blank=True, default="")  # what files call it
    kind = models.CharField(max_length=8, choices=KINDS)
    day = models.DateField()
    pool = models.ForeignKey(
        AllocationPool, null=True, blank=True, on_delete=PROTECT, related_name="adjustments"
    )
    quantity = QuantityField(null=True, blank=True)
    posted = models.ForeignKey(
        PostedUsage, null=True, blank=True, on_delete=PROTECT, related_name="adjustments"
    )
    voided = models.OneToOneField("self", null=True, blank=True, on_delete=PROTECT, related_name="voided_by")
    of_pool = models.ForeignKey(  # the pool of a closed period that it corrects
        AllocationPool, null=True, blank=True, on_delete=PROTECT, related_name="late_adjustments"
    )
    void_resource = models.ForeignKey(
        Resource, null=True, blank=True, on_delete=PROTECT, related_name="voids"
    )
    void_day = models.DateField(null=True, blank=True)
    void_project = models.ForeignKey(
        Project, null=True, blank=True, on_delete=PROTECT, related_name="voided_usage"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    author = models.CharField(max_length=200, blank=True, default="")
    approved_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            never_deleted("usage_adjustment"),
            UniqueConstraint(name="usage_adjustment_code_is_one", fields=["code"], condition=~Q(code="")),
            CheckConstraint(
                name="usage_adjustment_says_what_it_does",
                condition=Q(kind__in=["refund", "charge"], pool__isnull=False, quantity__isnull=False)
                | Q(kind="void", quantity__isnull=True),
            ),
            CheckConstraint(
                name="usage_adjustment_voids_one_thing",
                condition=~Q(kind="void")
                | Q(posted__isnull=False, voided__isnull=True, void_resource__isnull=True)
                | Q(posted__isnull=True, voided__isnull=False, void_resource__isnull=True)
                | Q(
                    posted__isnull=True,
                    voided__isnull=True,
                    void_resource__isnull=False,
                    void_day__isnull=False,
                ),
            ),
            RefusedWhen(
                name="usage_adjustment_has_its_sign",
                condition="""(NEW.kind = 'refund' AND CAST(NEW.quantity AS NUMERIC) >= 0)
                    OR (NEW.kind = 'charge' AND CAST(NEW.quantity AS NUMERIC) <= 0)""",
            ),
            RefusedWhen(
                name="usage_adjustment_of_a_level_is_a_void",
                condition="""NEW.kind <> 'void' AND EXISTS (
                    SELECT 1 FROM allocations_allocationpool AS p
                    JOIN allocations_resourcepool AS r ON r.id = p.resource_pool_id
                    WHERE p.id = NEW.pool_id AND r.function <> 'sum'
                )""",
            ),
            RefusedWhen(
                name="usage_adjustment_is_of_an_open_period",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_allocationpool AS p
                    JOIN allocations_allocationperiod AS d ON d.id = p.period_id
                    WHERE p.id = NEW.pool_id AND d.status = 'closed'
                )""",
                on=("INSERT",),
            ),
            RefusedWhen(name="usage_adjustment_is_never_changed", condition="TRUE", on=("UPDATE",)),
        ]


class AllocationDraw(models.Model):
    """What a line paid on a day for a pool's charges, or for an adjustment; no line: overdrawn."""

    pool = models.ForeignKey(AllocationPool, on_delete=PROTECT, related_name="draws", db_index=False)
    day = models.DateField()
    allocation = models.ForeignKey(
        Allocation, null=True, on_delete=PROTECT, related_name="draws", db_index=False
    )
    adjustment = models.ForeignKey(
        UsageAdjustment, null=True, on_delete=PROTECT, related_name="draws", db_index=False
    )
    quantity = QuantityField()

    class Meta:
        constraints = [
            UniqueConstraint(
                "pool",
                "day",
                Coalesce("allocation", Value(0)),
                Coalesce("adjustment", Value(0)),
                name="allocation_draw_is_one_a_day",
            ),
            RefusedWhen(
                name="allocation_draw_is_of_a_line_of_its_pool",
                condition="""NEW.allocation_id IS NOT NULL AND NEW.pool_id <> (
                    SELECT a.pool_id FROM allocations_allocation AS a WHERE a.id = NEW.allocation_id
                )""",
            ),
            RefusedWhen(
                name="allocation_draw_of_a_closed_period_stays",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_allocationpool AS p
                    JOIN allocations_allocationperiod AS d ON d.id = p.period_id
                    WHERE p.id = OLD.pool_id AND d.status = 'closed'
                )""",
                on=("DELETE",),
            ),
        ]


class PoolStatement(models.Model):
    """The figures of a pool when its period was closed. Never changed."""

    pool = models.OneToOneField(AllocationPool, on_delete=PROTECT, related_name="statement")
    closed_at = models.DateTimeField()
    closed_by = models.CharField(max_length=200, blank=True, default="")
    allocated = QuantityField()
    used = QuantityField()
    raw_used = QuantityField()
    remaining = QuantityField()
    percent = QuantityField(null=True)
    overdrawn = QuantityField()
    lapsed = QuantityField()
    body = models.JSONField()  # lines with draws, and use by submitted project
    hash = models.CharField(max_length=64)  # SHA-256 of all that above, as text

    class Meta:
        constraints = [
            NeverDeleted(name="pool_statement_is_never_deleted"),
            RefusedWhen(name="pool_statement_is_never_changed", condition="TRUE", on=("UPDATE",)),
        ]


class Alert(models.Model):
    """A pool's use crossed a percentage. Open until use falls below it again."""

    pool = models.ForeignKey(AllocationPool, on_delete=PROTECT, related_name="alerts")
    threshold = QuantityField()
    crossed_at = models.DateTimeField()
    percent = QuantityField(null=True)
    used = QuantityField()
    allocated = QuantityField()
    fell_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(
                name="alert_is_one_a_crossing",
                fields=["pool", "threshold"],
                condition=Q(fell_at__isnull=True),
            ),
            RefusedWhen(name="alert_threshold_is_positive", condition="CAST(NEW.threshold AS NUMERIC) <= 0"),
        ]


class AlertDelivery(models.Model):
    """An alert on one channel: sent, or still to be sent."""

    alert = models.ForeignKey(Alert, on_delete=PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=16)  # mail, webhook
    attempts = models.IntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name_plural = "alert deliveries"
        constraints = [
            UniqueConstraint(name="alert_delivery_is_one_a_channel", fields=["alert", "channel"]),
            CheckConstraint(
                name="alert_delivery_channel_is_known", condition=Q(channel__in=["mail", "webhook"])
            ),
        ]
