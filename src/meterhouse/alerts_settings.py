"""When and how are people told that allocations run out? The `[alerts]` section of meterhouse.toml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from meterhouse.settings_section import Secret, Section

Address = Annotated[str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$", max_length=320)]


class MailSection(Section):
    """The SMTP server that takes alerts, and who gets them."""

    host: str = Field(min_length=1)
    port: int = Field(default=25, ge=1, le=65535)
    tls: Literal["none", "starttls", "tls"] = "none"
    ca_file: Path | None = None
    user: str | None = None
    password: Secret | None = None
    sender: Address
    to: tuple[Address, ...] = ()
    leaders: bool = False

    @model_validator(mode="after")
    def _complete(self) -> MailSection:
        if not self.to and not self.leaders:
            raise ValueError("expected addresses in `to`, or `leaders = true`")
        if (self.user is None) != (self.password is None):
            raise ValueError("expected user and password together")
        if self.password is not None and self.tls == "none":
            raise ValueError('expected tls = "starttls" or "tls" where a password is sent')
        return self


class WebhookSection(Section):
    """Where alerts are posted as JSON."""

    url: str = Field(pattern=r"^https?://[^/@\s]+(/.*)?$", max_length=2000)
    token: Secret | None = None
    proxy: str | None = Field(default=None, pattern=r"^(https?|socks5h?)://[^/@\s]+$")
    ca_file: Path | None = None


class AlertsSection(Section):
    """At which percentages of an allocation somebody is told, and how."""

    percentages: tuple[Decimal, ...] = (Decimal(80), Decimal(100))
    mail: MailSection | None = None
    webhook: WebhookSection | None = None

    @field_validator("percentages")
    @classmethod
    def _above_nothing(cls, value: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        if any(not one.is_finite() or one <= 0 or one > 1_000_000 for one in value):
            raise ValueError("expected percentages above 0")
        if len(set(value)) != len(value):
            raise ValueError("expected each percentage once")
        return tuple(sorted(value))
