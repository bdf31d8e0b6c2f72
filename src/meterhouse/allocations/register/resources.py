"""What can be used, and how is it counted? Machines, resource pools, resources and their rates."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.allocations.register.fields import QuantityField
from meterhouse.allocations.rules.world import FUNCTIONS
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import RefusedWhen

PROTECT = models.PROTECT


class Machine(Recorded):
    """A cluster, cloud or store; its name is that of the site's resource."""

    name = models.CharField(max_length=200)
    category = models.CharField(max_length=200, blank=True, default="")
    start_date = models.DateField(null=True, blank=True)
    end_date = models.DateField(null=True, blank=True)  # the first day on which it is over
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("machine"),
            UniqueConstraint(name="machine_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="machine_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class PeriodCalendar(Recorded):
    """A row of periods that don't overlap: quarters, years ..."""

    name = models.CharField(max_length=255)

    class Meta:
        constraints = [
            never_deleted("period_calendar"),
            UniqueConstraint(name="period_calendar_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="period_calendar_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class ResourcePool(Recorded):
    """What is counted in one unit and one way. Once used, its unit and function stay."""

    name = models.CharField(max_length=255)
    description = models.TextField(blank=True, default="")
    units = models.CharField(max_length=100, blank=True, default="")
    function = models.CharField(max_length=8, choices=[(one, one) for one in FUNCTIONS], default="sum")
    calendar = models.ForeignKey(PeriodCalendar, on_delete=PROTECT, related_name="resource_pools")

    class Meta:
        constraints = [
            never_deleted("resource_pool"),
            UniqueConstraint(name="resource_pool_is_one_of_its_name", fields=["name"]),
            CheckConstraint(name="resource_pool_has_a_name", condition=~Q(name="")),
            CheckConstraint(
                name="resource_pool_function_is_known", condition=Q(function__in=list(FUNCTIONS))
            ),
            RefusedWhen(
                name="resource_pool_stays_as_it_was_used",
                condition="""(NEW.function <> OLD.function OR NEW.units <> OLD.units) AND EXISTS (
                    SELECT 1 FROM allocations_usagecharge AS c
                    JOIN allocations_resource AS r ON r.id = c.resource_id
                    WHERE r.resource_pool_id = NEW.id
                )""",
                on=("UPDATE",),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Resource(Recorded):
    """What a machine gives to a resource pool; `meter` of `realm` says how usage is counted.

    Without a meter its usage is posted by file.
    """

    code = models.CharField(max_length=255, blank=True, default="")  # what files call it
    machine = models.ForeignKey(Machine, on_delete=PROTECT, related_name="resources")
    resource_pool = models.ForeignKey(ResourcePool, on_delete=PROTECT, related_name="resources")
    name = models.CharField(max_length=255, blank=True, default="")  # the file system or partition
    quantity = QuantityField(null=True, blank=True)  # how much of it there is
    profile = models.CharField(max_length=100, default="default")
    realm = models.CharField(max_length=100, blank=True, default="")
    meter = models.CharField(max_length=100, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            never_deleted("resource"),
            UniqueConstraint(name="resource_is_one_of_its_name", fields=["resource_pool", "machine", "name"]),
            UniqueConstraint(name="resource_code_is_one_resources", fields=["code"], condition=~Q(code="")),
            CheckConstraint(
                name="resource_says_realm_and_meter",
                condition=Q(realm="", meter="") | (~Q(realm="") & ~Q(meter="")),
            ),
            RefusedWhen(
                name="resource_quantity_is_not_negative", condition="CAST(NEW.quantity AS NUMERIC) < 0"
            ),
            RefusedWhen(
                name="resource_stays_in_its_pool",
                condition="""NEW.resource_pool_id <> OLD.resource_pool_id AND EXISTS (
                    SELECT 1 FROM allocations_usagecharge AS c WHERE c.resource_id = NEW.id
                )""",
                on=("UPDATE",),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.resource_pool} of {self.machine}"


class ResourceRate(Dated):
    """The scaling factor of a resource: how many units of its pool one unit of its usage is."""

    resource = models.ForeignKey(Resource, on_delete=PROTECT, related_name="rates")
    factor = QuantityField()

    class Meta:
        constraints = [
            *dated("resource_rate", "resource"),
            RefusedWhen(name="resource_rate_is_not_negative", condition="CAST(NEW.factor AS NUMERIC) < 0"),
        ]
