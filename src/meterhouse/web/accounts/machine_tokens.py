"""Whose is a token of an identity provider? A JWT for this API, checked with its published keys."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
from django.contrib.auth import get_user_model
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact

from meterhouse.errors import MeterhouseError
from meterhouse.web.accounts.granting import SCOPES
from meterhouse.web.serving import served_site
from meterhouse.web_settings import Provider

log = logging.getLogger("meterhouse.web")

PREFIX = "meterhouse."  # of scopes that mean something here
_LEEWAY_SECONDS = 30
_FRESH_SECONDS = 3600
_REFRESH_SECONDS = 30  # keys that are missing are looked for no oftener
_STALE_SECONDS = 24 * 3600  # keys that can't be read again are believed so long
_LARGEST = 1_000_000


class ProviderNotReached(MeterhouseError):
    """The provider's keys can't be read now."""


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: KeySet
    read_at: float


_held: dict[str, _Keys] = {}
_tried: dict[str, float] = {}
_lock = threading.Lock()


def read_machine_token(token: str) -> tuple[Any, frozenset[str]] | None:
    """The account that a token stands for and the scopes it is good for; None where it isn't good.

    Raises ProviderNotReached where that can't be found out.
    """
    try:
        unchecked = extract_compact(token.encode())
        said = _claims_of(unchecked.payload)
        provider, audience = next(
            (one, one.api_audience)
            for one in served_site().settings.web.providers
            if one.api_audience is not None and one.issuer == said.get("iss")
        )
        header = unchecked.headers()
        if header.get("alg") not in provider.algorithms or "crit" in header:
            return None
        keys = _keys_of(provider, header.get("kid"))
        checked = jwt.decode(token, keys, algorithms=list(provider.algorithms))
        jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        ).validate(checked.claims)
    except (JoseError, ValueError, StopIteration, TypeError):
        return None
    user = _account_of(provider, checked.claims)
    return None if user is None else (user, _scopes_of(checked.claims))


def _claims_of(payload: bytes) -> dict[str, Any]:
    import json

    said = json.loads(payload)
    if not isinstance(said, dict):
        raise ValueError("expected claims")
    return said


def _account_of(provider: Provider, claims: dict[str, Any]) -> Any:
    """A program's account stands in the settings; a person's is the one that they logged in to by it."""
    from allauth.socialaccount.models import SocialAccount

    subject = claims["sub"]
    if not isinstance(subject, str):
        return None
    if subject in provider.clients:
        user = get_user_model().objects.filter(username=provider.clients[subject]).first()
    else:
        tied = SocialAccount.objects.select_related("user").filter(provider=provider.name, uid=subject)
        user = next((one.user for one in tied), None)
    return user if user is not None and user.is_active else None


def _scopes_of(claims: dict[str, Any]) -> frozenset[str]:
    said = claims.get("scope", claims.get("scp", ""))
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    named = {word.removeprefix(PREFIX) for word in words if isinstance(word, str) and word.startswith(PREFIX)}
    return frozenset(named & SCOPES.keys())


def _keys_of(provider: Provider, kid: str | None) -> KeySet:
    """The published keys: read again when they are old, or lack the one that is named."""
    now = time.monotonic()
    with _lock:
        held = _held.get(provider.name)
        known = held is not None and (kid is None or any(key.kid == kid for key in held.keys.keys))
        fresh = held is not None and now - held.read_at < _FRESH_SECONDS
        waiting = now - _tried.get(provider.name, -_FRESH_SECONDS) < _REFRESH_SECONDS
        if held is not None and ((known and fresh) or waiting):
            return held.keys
        if waiting:
            raise ProviderNotReached(f"{provider.name}: its keys can't be read now")
        _tried[provider.name] = now
    try:
        keys = _read_keys(provider)
    except (httpx.HTTPError, ValueError, KeyError, TypeError, JoseError) as error:
        log.warning("provider %s: keys not read: %s", provider.name, type(error).__name__)
        if held is not None and now - held.read_at < _STALE_SECONDS:
            return held.keys
        raise ProviderNotReached(f"{provider.name}: its keys can't be read now") from None
    with _lock:
        _held[provider.name] = _Keys(keys, now)
    return keys


def _read_keys(provider: Provider) -> KeySet:
    with httpx.Client(timeout=10, follow_redirects=False) as client:
        about = _read(client, f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about["issuer"] != provider.issuer:
            raise ValueError("another issuer")
        published = _read(client, about["jwks_uri"])
    # A symmetric key among them would let anybody sign.
    published["keys"] = [
        key
        for key in published["keys"]
        if key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
    return KeySet.import_key_set(published)  # type: ignore[arg-type]


def _read(client: httpx.Client, url: str) -> dict[str, Any]:
    with client.stream("GET", url) as answer:
        answer.raise_for_status()
        content = b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > _LARGEST:
                raise ValueError("too large")
    return _claims_of(content)
