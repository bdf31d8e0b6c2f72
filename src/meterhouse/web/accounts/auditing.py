"""Who did what? Log-ins, downloads and what administrators gave, each as a row that stays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest


def audit(action: str, who: str, detail: str = "", request: HttpRequest | None = None) -> None:
    """Keep that it happened."""
    from meterhouse.web.accounts.models import AuditEvent

    address = "" if request is None else str(request.META.get("REMOTE_ADDR", ""))
    AuditEvent.objects.create(
        at=datetime.now(UTC), who=who[:200], action=action, detail=detail[:4000], address=address[:100]
    )


def connect() -> None:
    """Hear of log-ins."""
    user_logged_in.connect(_logged_in, dispatch_uid="meterhouse.audit.in")
    user_logged_out.connect(_logged_out, dispatch_uid="meterhouse.audit.out")
    user_login_failed.connect(_failed, dispatch_uid="meterhouse.audit.failed")


def _logged_in(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    audit("log in", user.get_username(), request=request)


def _logged_out(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    audit("log out", "" if user is None else user.get_username(), request=request)


def _failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    audit("failed to log in", str(credentials.get("username", "")), request=request)
