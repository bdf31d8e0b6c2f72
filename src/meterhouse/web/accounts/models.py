"""What may an account do, and what did it do? Its role, its API tokens, and the audit log."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.models import Institution, Person

ROLES = [
    ("user", "sees what is theirs and their projects'"),
    ("institution", "sees what their institution funds"),
    ("staff", "sees everything"),
    ("administrator", "sees and sets up everything"),
]


class Access(models.Model):
    """An account's role, and which person of the directory and which institution it stands for."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access")
    role = models.CharField(max_length=16, choices=ROLES)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    institution = models.ForeignKey(Institution, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            CheckConstraint(name="access_role_is_known", condition=Q(role__in=[name for name, _ in ROLES])),
            CheckConstraint(
                name="access_of_an_institution_says_which",
                condition=~Q(role="institution") | Q(institution__isnull=False),
            ),
        ]


class ApiToken(models.Model):
    """What a program shows instead of a password. Only its digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # SHA-256 in hex: the token has 256 random bits itself
    scopes = models.CharField(max_length=200)  # with spaces between
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(name="api_token_digest_is_one_tokens", fields=["digest"]),
            CheckConstraint(name="api_token_has_a_scope", condition=~Q(scopes="")),
            CheckConstraint(
                name="api_token_expires_after_it_was_made",
                condition=Q(expires_at__gt=models.F("created_at")),
            ),
        ]


class AuditEvent(models.Model):
    """Somebody logged in, failed to, took a download, or was given something."""

    at = models.DateTimeField()
    who = models.CharField(max_length=200)
    action = models.CharField(max_length=50)
    detail = models.TextField(blank=True)
    address = models.CharField(max_length=100, blank=True)

    class Meta:
        indexes = [models.Index(name="audit_event_by_time", fields=["at"])]
