"""How does an account come about, and a token? Made by whoever runs the site, by command."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from meterhouse.directory.register.models import Institution, Person
from meterhouse.errors import MeterhouseError
from meterhouse.web.accounts.auditing import audit
from meterhouse.web.accounts.models import ROLES, Access, ApiToken

# What a token may be used for.
SCOPES = {
    "usage": "resources, meters and usage",
    "records": "spans and the transaction log",
    "coverage": "sources and coverage",
    "directory": "institutions, people and projects",
    "allocations": "pools and statements",
    "files": "reports, exports and schedules",
}
PREFIX = "mh_"


class AccountError(MeterhouseError):
    """An account or a token can't be made as asked. Never carries a password."""


def add_account(
    name: str,
    password: str,
    role: str,
    *,
    email: str = "",
    person: str | None = None,
    institution: str | None = None,
) -> Access:
    """Make an account. `person` is a user name of the directory, `institution` a name or id in it."""
    users = get_user_model().objects
    if role not in dict(ROLES):
        raise AccountError(f"role: expected one of {', '.join(dict(ROLES))}, found {role!r}")
    user = get_user_model()(username=name, email=email)
    try:
        user.clean_fields(exclude=["password"])
        validate_password(password, user)
    except ValidationError as error:
        raise AccountError(f"account {name}: {' '.join(error.messages)}") from None
    with transaction.atomic():
        if users.filter(username__iexact=name).exists():
            raise AccountError(f"account {name}: expected a new name, found one that is taken")
        user.set_password(password)
        user.save()
        access = Access.objects.create(
            user=user, role=role, person=_person(person), institution=_institution(institution, role)
        )
        audit("account made", name, f"role {role}")
    return access


def change_account(
    name: str, *, role: str | None = None, person: str | None = None, institution: str | None = None
) -> Access:
    """Give an account another role, person or institution, from now on; what is None stays as it is."""
    user = account(name)
    with transaction.atomic():
        access = Access.objects.filter(user=user).first() or Access(user=user, role="user")
        if role is not None:
            if role not in dict(ROLES):
                raise AccountError(f"role: expected one of {', '.join(dict(ROLES))}, found {role!r}")
            access.role = role
        if person is not None:
            access.person = _person(person)
        if institution is not None:
            access.institution = _institution(institution, access.role)
        if access.role == "institution" and access.institution is None:
            raise AccountError("institution: expected one for an account with the role institution")
        access.save()
        tied = f"person {access.person.username if access.person else None}, institution {access.institution}"
        audit("account changed", name, f"role {access.role}, {tied}")
    return access


def revoke_token(name: str, number: int) -> None:
    """Refuse a token from now on."""
    mine = ApiToken.objects.filter(user=account(name), id=number, revoked_at__isnull=True)
    if not mine.update(revoked_at=datetime.now(UTC)):
        raise AccountError(f"token: expected one of {name} that may be used, found {number}")
    audit("token revoked", name, str(number))


def _person(username: str | None) -> Person | None:
    if username is None:
        return None
    found = Person.objects.filter(username=username).first()
    if found is None:
        raise AccountError(f"person: expected a user name of the directory, found {username!r}")
    return found


def _institution(called: str | None, role: str) -> Institution | None:
    if called is None:
        if role == "institution":
            raise AccountError("institution: expected one for an account with the role institution")
        return None
    found = list(Institution.objects.filter(name=called)[:2])
    if not found and called.isascii() and called.isdigit():
        found = list(Institution.objects.filter(id=int(called)))
    if len(found) != 1:
        raise AccountError(
            f"institution: expected the name or id of one in the directory, found {called!r}, "
            f"which is {'none' if not found else 'the name of several'}"
        )
    return found[0]


def account(name: str) -> Any:
    """The account of that name."""
    found = get_user_model().objects.filter(username=name).first()
    if found is None:
        raise AccountError(f"account: expected a known name, found {name!r}")
    return found


def set_active(name: str, active: bool) -> None:
    """Whether the account may be used: one that is over keeps its name and its audit log."""
    user = account(name)
    user.is_active = active
    user.save(update_fields=["is_active"])
    audit("account opened" if active else "account closed", name)


def give_token(name: str, title: str, scopes: Sequence[str], days: int) -> str:
    """Make a token for an account; this is the only time that it can be read."""
    user = account(name)
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise AccountError(
            f"scope: expected some of {', '.join(SCOPES)}, found {', '.join(unknown) or 'none'}"
        )
    if not 1 <= days <= 366:
        raise AccountError(f"days: expected 1 to 366, found {days}")
    token = PREFIX + secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    with transaction.atomic():
        ApiToken.objects.create(
            user=user,
            name=title,
            digest=digest(token),
            scopes=" ".join(sorted(set(scopes))),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        audit("token made", name, f"{title}: {' '.join(sorted(set(scopes)))}, {days} days")
    return token


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_token(token: str) -> ApiToken | None:
    """The token as it is kept, if it may be used now."""
    if not token.startswith(PREFIX):
        return None
    found = ApiToken.objects.select_related("user").filter(digest=digest(token)).first()
    if found is None or found.revoked_at is not None or found.expires_at <= datetime.now(UTC):
        return None
    return found if found.user.is_active else None
