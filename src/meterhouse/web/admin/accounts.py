"""Who did what, and who may see what? The audit log and the accounts, for administrators to read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from meterhouse.web.accounts.models import Access, AuditEvent
from meterhouse.web.admin.recorded import ReadOnlyAdmin
from meterhouse.web.admin.site import admin_site
from meterhouse.web.visitors import visitor_of


class AdministratorsAdmin(ReadOnlyAdmin):
    """Tells of people what is no business of staff. Accounts are changed by `meterhouse users`."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return visitor_of(request.user).role == "administrator"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return visitor_of(request.user).role == "administrator"


admin_site.register(
    AuditEvent,
    AdministratorsAdmin,
    list_display=("at", "who", "action", "detail", "address"),
    list_filter=("action", "at"),
    search_fields=("who", "detail", "address"),
    ordering=("-at", "-id"),
)
admin_site.register(
    Access,
    AdministratorsAdmin,
    list_display=("user", "role", "person", "institution"),
    list_filter=("role",),
    list_select_related=("user", "person", "institution"),
    search_fields=("user__username", "person__username"),
)
