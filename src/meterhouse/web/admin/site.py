"""Who may use the admin, and where does it begin? Staff and administrators, by the site's own log-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from unfold.sites import UnfoldAdminSite

from meterhouse.web.visitors import visitor_of

_ROLES = ("staff", "administrator")


class MeterhouseAdmin(UnfoldAdminSite):  # type: ignore[misc]
    """The admin of the directory and the ledger. Accounts are made by `meterhouse users`."""

    site_header = "Meterhouse"
    site_title = "Meterhouse"
    index_title = "Directory and ledger"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the account's role is one that may change things."""
        return visitor_of(request.user).role in _ROLES

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The one log-in page of the site; who is logged in already has no right to come here."""
        if request.user.is_authenticated:
            raise PermissionDenied("expected an account of staff")
        return redirect_to_login(request.GET.get("next") or resolve_url("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return redirect("account_logout")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect(f"{resolve_url('account_change_password')}?{urlencode({'next': '/admin/'})}")


admin_site = MeterhouseAdmin(name="admin")
