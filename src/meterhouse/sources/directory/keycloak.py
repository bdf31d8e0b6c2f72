"""What does Keycloak say? People, with institution and field of science from their attributes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meterhouse.sources.directory.http import Api, DirectoryUnreachable
from meterhouse.sources.directory.statement import (
    Checked,
    SaidAccount,
    SaidField,
    SaidInstitution,
    SaidPerson,
    Statement,
    Unusable,
    record,
)

if TYPE_CHECKING:
    import httpx

PAGE = 500
# A token is renewed when it has less than this left.
_LEAST_LIFE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class KeycloakHabits:
    """Which attributes of a user say the institution, the field of science and the career level."""

    source: str
    institution: str = "cilogon_idp_name"
    field: str = "mss_research_domain"
    career_level: str | None = None


class ClientCredentials:
    """A token by client id and secret, renewed before it ends."""

    def __init__(self, client: httpx.Client, token_url: str, client_id: str, client_secret: str) -> None:
        self._client = client
        self._url = token_url
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        self._token = ""
        self._until = 0.0

    def __repr__(self) -> str:
        return f"ClientCredentials({self._url!r})"

    def headers(self, renew: bool) -> Mapping[str, str]:
        """The header that carries the token."""
        if renew or time.monotonic() > self._until - _LEAST_LIFE_SECONDS:
            self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    def _renew(self) -> None:
        import httpx

        try:
            response = self._client.post(self._url, data=self._form)
        except httpx.HTTPError as error:
            raise DirectoryUnreachable(f"{self._url}: {type(error).__name__}: {error}") from None
        if not response.is_success:
            raise DirectoryUnreachable(
                f"{self._url}: expected a token for client id and secret, found HTTP {response.status_code}"
            )
        try:
            answer = Checked(self._url, response.json())
            self._token = answer.required("access_token", 100_000)
            lasts = int(answer.text("expires_in") or 60)
        except (ValueError, Unusable):
            raise DirectoryUnreachable(f"{self._url}: expected a token, found something else") from None
        self._until = time.monotonic() + lasts


def token_url(base: str, realm: str) -> str:
    """Where a realm's tokens are had; `base` ends in /auth where Keycloak is older than 17."""
    return f"{base.rstrip('/')}/realms/{realm}/protocol/openid-connect/token"


def fetch(api: Api, realm: str, page: int = PAGE) -> list[Any]:
    """All users of a realm. Asked page by page until one is empty: a server may give less than asked."""
    found: list[Any] = []
    while True:
        answer = api.get(
            f"/admin/realms/{realm}/users", first=len(found), max=page, briefRepresentation="false"
        )
        if not isinstance(answer, list):
            raise DirectoryUnreachable(f"/admin/realms/{realm}/users: expected a list of users")
        if not answer:
            return found
        found += answer


def read(habits: KeycloakHabits, users: Iterable[Any]) -> Statement:
    """What these users say. A missing attribute says nothing: what nobody says is unknown."""
    statement = Statement(habits.source, frozenset({"person", "account"}))
    institutions: dict[str, SaidInstitution] = {}
    fields: dict[str, SaidField] = {}
    usernames: dict[str, str] = {}  # by Keycloak's id
    for number, said in enumerate(users, 1):
        where = f"users, record {number}"
        try:
            user = Checked(where, said)
            username = user.required("username", 255)
            id_ = user.text("id") or username
            known = usernames.get(id_)
            if known == username:
                continue  # the same user on two pages: somebody was added in between
            key = id_ if known is None else username
            usernames[key] = username
            attributes = user.part("attributes") or Checked(where, {})
            institution = attributes.first(habits.institution)
            research = attributes.first(habits.field)
            level = attributes.first(habits.career_level) if habits.career_level else None
            if institution:
                institutions[institution] = SaidInstitution(institution, institution)
            if research:
                fields[research] = SaidField(research, research)
            statement.people.append(
                SaidPerson(
                    key,
                    username,
                    user.text("firstName", 255),
                    user.text("lastName", 255),
                    user.text("email", 320),
                    institution,
                    research,
                    level,
                    user.flag("enabled", True),
                )
            )
            statement.accounts.append(SaidAccount(key, "", username))
            statement.said.append(record("users", key, said))
        except Unusable as problem:
            statement.skipped.append(problem.skipped)
    statement.institutions += institutions.values()
    statement.fields += fields.values()
    return statement
