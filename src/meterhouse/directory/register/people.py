"""Who is there, where do they belong, and what are they called? People, affiliations and accounts."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.institutions import CareerLevel, FieldOfScience, Institution
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import RefusedWhen

PROTECT = models.PROTECT


class Person(Recorded):
    """A human being. `username` is the site-wide name of who has one, and then one person's alone."""

    username = models.CharField(max_length=255, blank=True, default="")
    first_name = models.CharField(max_length=255, blank=True, default="")
    last_name = models.CharField(max_length=255, blank=True, default="")
    email = models.CharField(max_length=320, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "people"
        constraints = [
            never_deleted("person"),
            UniqueConstraint(
                name="person_username_is_one_persons", fields=["username"], condition=~Q(username="")
            ),
            CheckConstraint(
                name="person_is_called_something",
                condition=~Q(username="") | ~Q(last_name="") | ~Q(email=""),
            ),
        ]
        indexes = [models.Index(name="person_by_email", fields=["email"])]

    def __str__(self) -> str:
        return " ".join(part for part in (self.first_name, self.last_name) if part) or (
            self.username or self.email
        )


class PersonAffiliation(Dated):
    """To which institution a person belongs, how far they are and in which field: one at a time."""

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="affiliations")
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=PROTECT, related_name="people"
    )
    career_level = models.ForeignKey(
        CareerLevel, null=True, blank=True, on_delete=PROTECT, related_name="people"
    )
    field = models.ForeignKey(FieldOfScience, null=True, blank=True, on_delete=PROTECT, related_name="people")

    class Meta:
        constraints = dated("person_affiliation", "person")


class Account(Dated):
    """What a person is called on a resource; an empty resource means all of them.

    `ref` is the source's user id, or, where `matches` is "name", the user name that records carry.
    """

    person = models.ForeignKey(Person, on_delete=PROTECT, related_name="accounts")
    resource = models.CharField(max_length=200, blank=True, default="")
    matches = models.CharField(max_length=8, choices=[("id", "id"), ("name", "name")], default="id")
    ref = models.CharField(max_length=500)

    class Meta:
        constraints = [
            *dated("account", "resource", "matches", "ref"),
            CheckConstraint(name="account_matches_id_or_name", condition=Q(matches__in=["id", "name"])),
            CheckConstraint(name="account_ref_is_not_empty", condition=~Q(ref="")),
            RefusedWhen(
                name="account_stays_with_its_person",
                on=("UPDATE",),
                condition="NEW.person_id <> OLD.person_id",
            ),
        ]
        indexes = [models.Index(name="account_by_ref", fields=["ref", "resource"])]

    def __str__(self) -> str:
        return f"{self.ref} on {self.resource or 'every resource'}"
