"""How does Django know the tables of log-in and rights? As an app of its own."""

from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Roles, tokens and the audit log."""

    name = "meterhouse.web.accounts"
    label = "web_accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from meterhouse.web.accounts import auditing

        auditing.connect()
