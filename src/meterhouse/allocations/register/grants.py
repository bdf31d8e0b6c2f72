"""Who was given how much, for when? Schemes, grants, periods, allocation pools, lines, policies, caps."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from meterhouse.allocations.register.fields import QuantityField
from meterhouse.allocations.register.resources import PeriodCalendar, ResourcePool
from meterhouse.allocations.rules.world import DEFAULT_PRIORITY, MODES
from meterhouse.directory.register.models import Project
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import PeriodsDoNotOverlap, RefusedWhen

PROTECT = models.PROTECT


class AllocationPolicy(Dated):
    """How a project uses allocations (KEP 5, allocation_mode). No row: private, and it shares."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="allocation_policies")
    mode = models.CharField(max_length=8, choices=[(one, one) for one in MODES], default="private")
    shares_with_children = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "allocation policies"
        constraints = [
            *dated("allocation_policy", "project"),
            CheckConstraint(name="allocation_policy_mode_is_known", condition=Q(mode__in=list(MODES))),
        ]


class ProjectCap(Recorded):
    """How much of the pools above may pass to a capped project, a period; of a level: a day."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="caps")
    resource_pool = models.ForeignKey(ResourcePool, on_delete=PROTECT, related_name="caps")
    quantity = QuantityField()

    class Meta:
        constraints = [
            never_deleted("project_cap"),
            UniqueConstraint(name="project_cap_is_one_a_pool", fields=["project", "resource_pool"]),
            RefusedWhen(name="project_cap_is_not_negative", condition="CAST(NEW.quantity AS NUMERIC) < 0"),
        ]


class Scheme(Recorded):
    """A source of grants, open from `opened` until before `closed`."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    opened = models.DateField()
    closed = models.DateField(null=True, blank=True)  # the first day on which it is closed

    class Meta:
        constraints = [
            never_deleted("scheme"),
            UniqueConstraint(name="scheme_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="scheme_has_a_name", condition=~Q(name="")),
            CheckConstraint(
                name="scheme_closes_after_it_opened",
                condition=Q(closed__isnull=True) | Q(closed__gt=F("opened")),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Grant(Recorded):
    """An award of a scheme to a project, in force from `begins` until before `ends`."""

    code = models.CharField(max_length=255, blank=True, default="")  # what files call it
    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="grants")
    scheme = models.ForeignKey(Scheme, on_delete=PROTECT, related_name="grants")
    description = models.CharField(max_length=500, blank=True, default="")
    awarded = models.DateField(null=True, blank=True)
    begins = models.DateField()
    ends = models.DateField()

    class Meta:
        constraints = [
            never_deleted("grant"),
            UniqueConstraint(name="grant_code_is_one_grants", fields=["code"], condition=~Q(code="")),
            CheckConstraint(name="grant_begins_before_it_ends", condition=Q(begins__lt=F("ends"))),
            RefusedWhen(
                name="grant_begins_while_its_scheme_is_open",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_scheme AS s WHERE s.id = NEW.scheme_id
                        AND (NEW.begins < s.opened OR NEW.begins >= s.closed)
                )""",
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.code or f"{self.scheme} to {self.project}"


class AllocationPeriod(Recorded):
    """Part of a calendar, `[start, end)`. Closed: its statements stand for good."""

    name = models.CharField(max_length=255)
    calendar = models.ForeignKey(PeriodCalendar, on_delete=PROTECT, related_name="periods")
    start = models.DateField()
    end = models.DateField()
    status = models.CharField(max_length=8, choices=[("open", "open"), ("closed", "closed")], default="open")

    class Meta:
        constraints = [
            never_deleted("allocation_period"),
            UniqueConstraint(name="allocation_period_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="allocation_period_has_a_name", condition=~Q(name="")),
            CheckConstraint(name="allocation_period_starts_before_it_ends", condition=Q(start__lt=F("end"))),
            CheckConstraint(
                name="allocation_period_status_is_known", condition=Q(status__in=["open", "closed"])
            ),
            PeriodsDoNotOverlap(
                name="allocation_period_is_one_at_a_time", within=["calendar"], start="start", end="end"
            ),
            RefusedWhen(
                name="allocation_period_stays_closed",
                condition="""OLD.status = 'closed' AND (NEW.status <> 'closed' OR NEW.start <> OLD.start
                    OR NEW."end" <> OLD."end" OR NEW.calendar_id <> OLD.calendar_id)""",
                on=("UPDATE",),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AllocationPool(Recorded):
    """The account of a project for one resource pool in one period: lines in, charges out."""

    code = models.CharField(max_length=255, blank=True, default="")  # what files call it
    name = models.CharField(max_length=255, blank=True, default="")
    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="allocation_pools")
    period = models.ForeignKey(AllocationPeriod, on_delete=PROTECT, related_name="allocation_pools")
    resource_pool = models.ForeignKey(ResourcePool, on_delete=PROTECT, related_name="allocation_pools")

    class Meta:
        constraints = [
            never_deleted("allocation_pool"),
            UniqueConstraint(
                name="allocation_pool_is_one_a_period", fields=["project", "period", "resource_pool"]
            ),
            UniqueConstraint(
                name="allocation_pool_code_is_one_pools", fields=["code"], condition=~Q(code="")
            ),
            RefusedWhen(
                name="allocation_pool_period_is_of_its_calendar",
                condition="""(SELECT p.calendar_id FROM allocations_allocationperiod AS p
                        WHERE p.id = NEW.period_id)
                    <> (SELECT r.calendar_id FROM allocations_resourcepool AS r
                        WHERE r.id = NEW.resource_pool_id)""",
            ),
            RefusedWhen(
                name="allocation_pool_stays_where_it_is",
                condition="""NEW.project_id <> OLD.project_id OR NEW.period_id <> OLD.period_id
                    OR NEW.resource_pool_id <> OLD.resource_pool_id""",
                on=("UPDATE",),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.project}: {self.resource_pool}, {self.period}"


class Allocation(Recorded):
    """A signed line of a grant in a pool, never changed: another line takes it back or corrects it.

    The lines of one `transfer` add up to nothing; only they may come from another project's grant.
    """

    code = models.CharField(max_length=255, blank=True, default="")  # what files call it
    pool = models.ForeignKey(AllocationPool, on_delete=PROTECT, related_name="allocations")
    grant = models.ForeignKey(Grant, on_delete=PROTECT, related_name="allocations")
    quantity = QuantityField()
    priority = models.IntegerField(default=DEFAULT_PRIORITY)  # the lowest is drawn first
    transfer = models.CharField(max_length=255, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    void_of = models.OneToOneField("self", null=True, blank=True, on_delete=PROTECT, related_name="voided_by")
    posted_at = models.DateField(null=True, blank=True)  # null: known since ever
    posted_by = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            never_deleted("allocation"),
            UniqueConstraint(name="allocation_code_is_one_lines", fields=["code"], condition=~Q(code="")),
            RefusedWhen(
                name="allocation_is_of_its_projects_grant",
                condition="""NEW.transfer = '' AND (
                        SELECT p.project_id FROM allocations_allocationpool AS p WHERE p.id = NEW.pool_id
                    ) <> (SELECT g.project_id FROM allocations_grant AS g WHERE g.id = NEW.grant_id)""",
            ),
            RefusedWhen(
                name="allocation_grant_meets_its_period",
                condition="""NOT EXISTS (
                    SELECT 1 FROM allocations_grant AS g, allocations_allocationpool AS p
                    JOIN allocations_allocationperiod AS d ON d.id = p.period_id
                    WHERE g.id = NEW.grant_id AND p.id = NEW.pool_id
                        AND g.begins < d."end" AND d.start < g.ends
                )""",
            ),
            RefusedWhen(
                name="allocation_is_never_changed",
                condition="""NEW.pool_id <> OLD.pool_id OR NEW.grant_id <> OLD.grant_id
                    OR NEW.quantity <> OLD.quantity OR NEW.transfer <> OLD.transfer""",
                on=("UPDATE",),
            ),
            RefusedWhen(
                name="allocation_is_not_in_a_closed_period",
                condition="""EXISTS (
                    SELECT 1 FROM allocations_allocationpool AS p
                    JOIN allocations_allocationperiod AS d ON d.id = p.period_id
                    WHERE p.id = NEW.pool_id AND d.status = 'closed'
                )""",
                on=("INSERT",),
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.code or str(self.quantity)
