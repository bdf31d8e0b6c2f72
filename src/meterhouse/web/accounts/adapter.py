"""How does somebody get an account? From an administrator: nobody makes one for themselves."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Log-in as allauth has it, without sign-up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
