"""Is a token of a provider believed only when it is the provider's, for this API, and not over?"""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from identity_provider import CLIENT, IdentityProvider
from joserfc.jwk import RSAKey
from served import PROGRAM, Served
from two_institutions import PERIOD


def status(strict: Served, token: str, path: str = "usage") -> int:
    answer = PROGRAM.get(
        f"{strict.url}/api/v1/{path}", params=PERIOD, headers={"Authorization": f"Bearer {token}"}
    )
    return answer.status_code


def test_a_program_is_the_account_that_the_settings_name(strict: Served, provider: IdentityProvider) -> None:
    token = provider.token()
    answer = PROGRAM.get(f"{strict.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "staff"
    assert answer.json()["scopes"] == ["records", "usage"]
    assert status(strict, token) == 200
    assert status(strict, token, "coverage") == 403  # not among its scopes
    assert status(strict, provider.token(scope=None, scp=["meterhouse.usage"])) == 200
    assert status(strict, provider.token(scope="openid usage")) == 403
    assert status(strict, provider.token(aud=["another", "https://meterhouse.example/api"])) == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "https://another.example"},
        {"aud": CLIENT},  # an ID token is not for the API
        {"aud": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 86_400},
        {"sub": None},
        {"sub": "unheard of"},
        {"sub": ["batch"]},
    ],
)
def test_a_token_that_says_something_else_is_refused(
    strict: Served, provider: IdentityProvider, changed: dict[str, Any]
) -> None:
    assert status(strict, provider.token(**changed)) == 401


def test_a_token_that_another_signed_is_refused(strict: Served, provider: IdentityProvider) -> None:
    """By another key under the known name, by the public key as if it were a secret, and by nobody."""
    assert status(strict, provider.token(key=RSAKey.generate_key(2048, {"kid": "first"}))) == 401
    said = json.loads(base64.urlsafe_b64decode(provider.token().split(".")[1] + "=="))
    body, signature = provider.token().split(".")[1:]
    signed = f"{part(alg='HS256', kid='first')}.{body}"
    public = provider.keys[0].as_pem(private=False)
    assert status(strict, f"{signed}.{coded(hmac.digest(public, signed.encode(), 'sha256'))}") == 401
    head = part(alg="none", kid="first")
    for unsigned in (f"{head}.{body}.", f"{head}.{body}.{signature}", f"{head}.{body}", "x.y.z", "."):
        assert status(strict, unsigned) == 401
    altered = part(**{**said, "exp": said["exp"] + 9})
    assert status(strict, f"{provider.token().split('.')[0]}.{altered}.{signature}") == 401


def part(**said: Any) -> str:
    return coded(json.dumps(said).encode())


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_new_keys_are_read_when_one_is_named_that_is_not_known(
    strict: Served, provider: IdentityProvider
) -> None:
    assert status(strict, provider.token()) == 200
    provider.keys.insert(0, RSAKey.generate_key(2048, {"kid": "second"}))
    try:
        before = provider.asked.count("/keys")
        # It isn't asked at every token with an unknown key, but at most twice a minute.
        assert status(strict, provider.token()) in (200, 401)
        for _ in range(5):
            status(strict, provider.token(header={"kid": "unheard of"}))
        assert provider.asked.count("/keys") <= before + 1
    finally:
        provider.keys.pop(0)


def test_a_provider_that_is_down_stops_nobody_who_is_known(
    strict: Served, provider: IdentityProvider
) -> None:
    assert status(strict, provider.token()) == 200
    provider.is_down = True
    try:
        assert status(strict, provider.token()) == 200  # the keys are known
        assert status(strict, strict.tokens["staff"]) == 200
    finally:
        provider.is_down = False
