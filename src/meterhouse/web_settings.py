"""Who may log people in, and who may speak for a browser? Parts of the `[web]` section of meterhouse.toml."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from meterhouse.settings_section import Name, Secret, Section


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError as error:
        raise ValueError("expected an IP address or a network such as 10.0.0.0/8") from error


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ValueError("expected an address with https")
    return value


Network = Annotated[str, AfterValidator(_network)]
Issuer = Annotated[str, Field(pattern=r"^https?://[^@\s?#]+$", max_length=500), AfterValidator(_issuer)]


class Provider(Section):
    """An identity provider that speaks OpenID Connect.

    Somebody new gets an account when `person_claim` names one person of the directory by `person_field`.
    `api_audience` is what tokens for this API must be made for; `clients` says which account a program is.
    """

    name: Name
    title: str = Field(min_length=1, max_length=100)
    issuer: Issuer
    client_id: str = Field(min_length=1, max_length=300)
    client_secret: Secret | None = None
    scopes: tuple[Annotated[str, Field(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")], ...] = (
        *("openid", "profile", "email"),
    )
    person_claim: str = Field(default="preferred_username", min_length=1, max_length=100)
    person_field: Literal["username", "email"] = "username"
    new_accounts: bool = True
    api_audience: str | None = Field(default=None, min_length=1, max_length=300)
    algorithms: tuple[
        Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"], ...
    ] = (*("RS256", "PS256", "ES256", "EdDSA"),)
    clients: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Provider:
        if "openid" not in self.scopes:
            raise ValueError("scopes: expected openid among them")
        if self.api_audience == self.client_id:
            raise ValueError("api_audience: expected another than client_id, which is that of log-ins")
        if self.clients and self.api_audience is None:
            raise ValueError("clients: expected with api_audience only")
        return self
