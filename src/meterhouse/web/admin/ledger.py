"""What of the ledger does staff see and change? Grants, pools and lines; what was decided is only seen."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from meterhouse.allocations.register import models
from meterhouse.web.admin.exchange import ExchangedAdmin, exchanged
from meterhouse.web.admin.recorded import ReadOnlyAdmin, RecordedAdmin, RecordedInline
from meterhouse.web.admin.site import admin_site

_DATES = ("valid_from", "valid_until")
_PROJECT = ("project__code", "project__title")


def _shown(model: Any, admin: type[Any], **attributes: Any) -> None:
    admin_site.register(model, admin, **attributes)


class Rates(RecordedInline):
    model = models.ResourceRate


class Lines(RecordedInline):
    """The lines of a pool: more may come, none is changed."""

    model = models.Allocation
    autocomplete_fields = ("grant",)
    fields = ("grant", "quantity", "priority", "description", "transfer", "posted_at", "posted_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


_shown(
    models.Machine,
    ExchangedAdmin,
    resource_classes=[
        exchanged(models.Machine, "name", "category", "start_date", "end_date", "is_active", by="name")
    ],
    list_display=("name", "category", "start_date", "end_date", "is_active"),
    list_filter=("is_active", "category"),
    search_fields=("name", "category"),
)
_shown(
    models.Scheme,
    ExchangedAdmin,
    resource_classes=[exchanged(models.Scheme, "name", "description", "opened", "closed", by="name")],
    list_display=("name", "opened", "closed"),
    list_filter=("opened",),
    search_fields=("name",),
)
_shown(
    models.PeriodCalendar,
    ExchangedAdmin,
    resource_classes=[exchanged(models.PeriodCalendar, "name", by="name")],
    list_display=("name",),
    search_fields=("name",),
)
_shown(
    models.ResourcePool,
    RecordedAdmin,
    list_display=("name", "units", "function", "calendar"),
    list_filter=("function", "calendar"),
    search_fields=("name",),
    autocomplete_fields=("calendar",),
)
_shown(
    models.Resource,
    RecordedAdmin,
    list_display=("__str__", "machine", "resource_pool", "realm", "meter", "is_active"),
    list_filter=("is_active", "machine", "resource_pool"),
    list_select_related=("machine", "resource_pool"),
    search_fields=("name", "code", "machine__name"),
    autocomplete_fields=("machine", "resource_pool"),
    inlines=[Rates],
)
_shown(
    models.ResourceRate,
    RecordedAdmin,
    list_display=("resource", "factor", *_DATES),
    list_filter=("resource",),
    list_select_related=("resource__machine", "resource__resource_pool"),
    search_fields=("resource__name", "resource__machine__name"),
    autocomplete_fields=("resource",),
)
_shown(
    models.AllocationPeriod,
    RecordedAdmin,
    list_display=("name", "calendar", "start", "end", "status"),
    list_filter=("calendar", "status"),
    search_fields=("name",),
    autocomplete_fields=("calendar",),
    readonly_fields=("status",),  # closing writes statements: `meterhouse allocations close`
)
_shown(
    models.AllocationPolicy,
    RecordedAdmin,
    list_display=("project", "mode", "shares_with_children", *_DATES),
    list_filter=("mode", "shares_with_children"),
    list_select_related=("project",),
    search_fields=_PROJECT,
    autocomplete_fields=("project",),
)
_shown(
    models.ProjectCap,
    RecordedAdmin,
    list_display=("project", "resource_pool", "quantity"),
    list_filter=("resource_pool",),
    list_select_related=("project", "resource_pool"),
    search_fields=_PROJECT,
    autocomplete_fields=("project", "resource_pool"),
)
_shown(
    models.Grant,
    RecordedAdmin,
    list_display=("__str__", "project", "scheme", "begins", "ends"),
    list_filter=("scheme", "begins"),
    list_select_related=("project", "scheme"),
    search_fields=("code", "description", *_PROJECT),
    autocomplete_fields=("project", "scheme"),
)
_shown(
    models.AllocationPool,
    RecordedAdmin,
    list_display=("__str__", "project", "period", "resource_pool"),
    list_filter=("period", "resource_pool"),
    list_select_related=("project", "period", "resource_pool"),
    search_fields=("code", "name", *_PROJECT),
    autocomplete_fields=("project", "period", "resource_pool"),
    kept_fields=("project", "period", "resource_pool"),
    inlines=[Lines],
)
_shown(
    models.Allocation,
    RecordedAdmin,
    list_display=("__str__", "pool", "grant", "quantity", "priority", "transfer", "posted_at"),
    list_filter=("pool__period", "pool__resource_pool"),
    list_select_related=("pool__project", "pool__period", "pool__resource_pool", "grant"),
    search_fields=("code", "description", "pool__project__code", "pool__project__title"),
    autocomplete_fields=("pool", "grant", "void_of"),
    kept_fields=("pool", "grant", "quantity", "transfer", "void_of"),
)
_shown(
    models.OwnedGroup,
    RecordedAdmin,
    list_display=("name", "institution", "project", "foreign_id"),
    list_select_related=("institution", "project"),
    search_fields=("name", "foreign_id"),
    autocomplete_fields=("institution", "project"),
)


class UsageAdjustmentAdmin(RecordedAdmin):
    """A correction is entered here with its author, and stands: another one takes it back."""

    list_display = ("__str__", "kind", "day", "pool", "quantity", "void_resource", "void_day", "author")
    list_filter = ("kind", "day")
    list_select_related = ("pool__project", "pool__period", "pool__resource_pool", "void_resource")
    search_fields = ("code", "reason", "author", "pool__project__code")
    autocomplete_fields = ("pool", "posted", "voided", "of_pool", "void_resource", "void_project")
    exclude = ("author",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.author = request.user.get_username()
        super().save_model(request, obj, form, change)


_shown(models.UsageAdjustment, UsageAdjustmentAdmin)
_shown(
    models.PostedUsage,
    ReadOnlyAdmin,
    list_display=("code", "day", "resource", "project", "person", "raw", "is_void"),
    list_filter=("resource", "is_void"),
    list_select_related=("resource__machine", "resource__resource_pool", "project", "person"),
    search_fields=("code", "key", *_PROJECT),
)
_shown(
    models.SuspendedUsage,
    ReadOnlyAdmin,
    list_display=("code", "key", "reason", "raw"),
    search_fields=("code", "key", "reason"),
)
_shown(
    models.UsageCharge,
    ReadOnlyAdmin,
    list_display=("day", "resource", "submitted_project", "allocated_project", "pool", "raw", "quantity"),
    list_filter=("period", "resource", "estimated"),
    list_select_related=(
        *("resource__machine", "resource__resource_pool", "submitted_project", "allocated_project"),
        *("pool__project", "pool__period", "pool__resource_pool"),
    ),
    search_fields=("submitted_project__code", "allocated_project__code"),
)
_shown(
    models.AllocationDraw,
    ReadOnlyAdmin,
    list_display=("pool", "day", "allocation", "adjustment", "quantity"),
    list_filter=("pool__period",),
    list_select_related=("pool__project", "pool__period", "pool__resource_pool", "allocation", "adjustment"),
    search_fields=("pool__project__code", "pool__code"),
)
_shown(
    models.PoolStatement,
    ReadOnlyAdmin,
    list_display=("pool", "closed_at", "closed_by", "allocated", "used", "remaining", "percent"),
    list_filter=("pool__period", "pool__resource_pool"),
    list_select_related=("pool__project", "pool__period", "pool__resource_pool"),
    search_fields=("pool__project__code", "pool__project__title"),
)
_shown(
    models.Alert,
    ReadOnlyAdmin,
    list_display=("pool", "threshold", "percent", "crossed_at", "fell_at"),
    list_filter=("threshold", "crossed_at"),
    list_select_related=("pool__project", "pool__period", "pool__resource_pool"),
    search_fields=("pool__project__code",),
)
_shown(
    models.AlertDelivery,
    ReadOnlyAdmin,
    list_display=("alert", "channel", "attempts", "sent_at", "last_error"),
    list_filter=("channel", "sent_at"),
    list_select_related=("alert",),
    search_fields=("last_error",),
)
