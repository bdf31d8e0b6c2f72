"""How does somebody get an account? From an administrator, or as a person of the directory by a provider."""

from __future__ import annotations

import re
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render

from meterhouse.directory.register.models import Person
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.accounts.models import Access
from meterhouse.web.serving import served_site
from meterhouse.web_settings import Provider

_ID = "openid_connect"  # allauth's name for what all providers speak


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Log-in as allauth has it, without sign-up. The middleware has found the address of the client."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return str(request.META.get("REMOTE_ADDR", ""))


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Providers are those of meterhouse.toml; who they name gets an account if the directory knows them."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The providers as allauth has them, their secrets read now."""
        site = served_site()
        apps = []
        for one in site.settings.web.providers:
            if provider not in (None, _ID, one.name) or client_id not in (None, one.client_id):
                continue
            app = SocialApp(
                provider=_ID,
                provider_id=one.name,
                name=one.title,
                client_id=one.client_id,
                secret=one.client_secret.reveal(site.path) if one.client_secret else "",
                key="",
            )
            app.settings = {
                "server_url": one.issuer,
                "scope": list(one.scopes),
                "oauth_pkce_enabled": True,
            }
            apps.append(app)
        return apps

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True  # `pre_social_login` has refused whoever the directory doesn't know

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse who has no account here and isn't one person of the directory."""
        if sociallogin.is_existing or sociallogin.state.get("process") == "connect":
            return
        provider = _provider(sociallogin)
        if not provider.new_accounts:
            why = f"{provider.title} knows you, but you have no account here yet."
        elif person_of(provider, claims_of(sociallogin)) is None:
            why = f"{provider.title} knows you, but the directory of this site doesn't name you."
        else:
            return
        audit("log in refused", f"{provider.name}: {sociallogin.account.uid}"[:200], why, request)
        raise ImmediateHttpResponse(render(request, "no_permission.html", {"why": why}, status=403))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        """Make the account with the role `user`, tied to the person."""
        provider = _provider(sociallogin)
        person = person_of(provider, claims_of(sociallogin))
        assert person is not None, "refused before"
        with transaction.atomic():
            user = super().save_user(request, sociallogin, form)
            Access.objects.create(user=user, role="user", person=person)
            audit("account made", user.get_username(), f"by {provider.name} for {person.username}", request)
        return user

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Any:
        """What is taken over from a provider: names that a page may show."""
        cleaned = {name: _one_line(value) for name, value in data.items() if isinstance(value, str)}
        return super().populate_user(request, sociallogin, cleaned)


def claims_of(sociallogin: Any) -> dict[str, Any]:
    """What the provider said: of the userinfo, and where that says nothing of the id token."""
    said = sociallogin.account.extra_data
    return {**(said.get("id_token") or {}), **(said.get("userinfo") or {})}


def person_of(provider: Provider, claims: dict[str, Any]) -> Person | None:
    """The one person of the directory that the claims name. A mail address counts when it was verified."""
    value = claims.get(provider.person_claim)
    if not isinstance(value, str) or not value.strip():
        return None
    if provider.person_field == "email":
        if provider.person_claim == "email" and claims.get("email_verified") is not True:
            return None
        found = Person.objects.filter(email__iexact=value)
    else:
        found = Person.objects.filter(username=value)
    several = list(found[:2])
    return several[0] if len(several) == 1 else None


def _provider(sociallogin: Any) -> Provider:
    name = sociallogin.account.provider
    return next(one for one in served_site().settings.web.providers if one.name == name)


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)[:150]
