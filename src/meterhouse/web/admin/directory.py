"""What of the directory does staff see and change? All of it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from meterhouse.directory.register import models
from meterhouse.web.admin.exchange import ExchangedAdmin, exchanged
from meterhouse.web.admin.recorded import ReadOnlyAdmin, RecordedAdmin, RecordedForm, RecordedInline
from meterhouse.web.admin.site import admin_site

_DATES = ("valid_from", "valid_until")


def _shown(model: Any, admin: type[Any], **attributes: Any) -> None:
    admin_site.register(model, admin, **attributes)


class _Named(ExchangedAdmin):
    list_display = ("name", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)


class InstitutionDomains(RecordedInline):
    model = models.InstitutionDomain


class Memberships(RecordedInline):
    model = models.ProjectMembership
    autocomplete_fields = ("person", "level")


class References(RecordedInline):
    model = models.ProjectReference


class Affiliations(RecordedInline):
    model = models.PersonAffiliation
    autocomplete_fields = ("institution", "career_level", "field")


class Accounts(RecordedInline):
    model = models.Account


_shown(
    models.Institution,
    _Named,
    resource_classes=[exchanged(models.Institution, "name", "short_name", "is_active")],
    list_display=("name", "short_name", "is_active"),
    search_fields=("name", "short_name", "domains__domain"),
    inlines=[InstitutionDomains],
)
_shown(
    models.FieldOfScience,
    _Named,
    resource_classes=[exchanged(models.FieldOfScience, "name", "parent", "is_active")],
    list_display=("name", "parent", "is_active"),
    autocomplete_fields=("parent",),
)
for level in (models.CareerLevel, models.ProjectLevel):
    _shown(level, _Named, resource_classes=[exchanged(level, "name", "is_active", by="name")])
_shown(
    models.ContactRole,
    _Named,
    resource_classes=[exchanged(models.ContactRole, "name", "description", "is_active", by="name")],
)


class PersonAdmin(RecordedAdmin):
    list_display = ("__str__", "username", "email", "is_active")
    list_filter = ("is_active",)
    search_fields = ("username", "first_name", "last_name", "email")
    inlines = (Affiliations, Accounts)


class ProjectAdmin(RecordedAdmin):
    list_display = ("__str__", "code", "is_active", "start_date", "end_date")
    list_filter = ("is_active",)
    search_fields = ("code", "title", "references__ref", "references__name")
    readonly_fields = ("is_root",)
    inlines = (Memberships, References)


_shown(models.Person, PersonAdmin)
_shown(models.Project, ProjectAdmin)
_shown(
    models.InstitutionDomain,
    RecordedAdmin,
    list_display=("domain", "institution", "is_active"),
    list_filter=("is_active",),
    search_fields=("domain", "institution__name"),
    autocomplete_fields=("institution",),
)
_shown(
    models.PersonAffiliation,
    RecordedAdmin,
    list_display=("person", "institution", "career_level", "field", *_DATES),
    list_filter=("career_level", "valid_from"),
    list_select_related=("person", "institution", "career_level", "field"),
    search_fields=("person__username", "person__last_name", "institution__name"),
    autocomplete_fields=("person", "institution", "career_level", "field"),
)
_shown(
    models.Account,
    RecordedAdmin,
    list_display=("ref", "matches", "resource", "person", *_DATES),
    list_filter=("matches", "resource"),
    list_select_related=("person",),
    search_fields=("ref", "person__username", "person__last_name"),
    autocomplete_fields=("person",),
    kept_fields=("person",),
)
_shown(
    models.ProjectParent,
    RecordedAdmin,
    list_display=("project", "parent", *_DATES),
    list_filter=("valid_from",),
    list_select_related=("project", "parent"),
    search_fields=("project__code", "project__title", "parent__code", "parent__title"),
    autocomplete_fields=("project", "parent"),
)
_shown(
    models.ProjectField,
    RecordedAdmin,
    list_display=("project", "field", *_DATES),
    list_filter=("field",),
    list_select_related=("project", "field"),
    search_fields=("project__code", "project__title", "field__name"),
    autocomplete_fields=("project", "field"),
)
_shown(
    models.ProjectMembership,
    RecordedAdmin,
    list_display=("person", "project", "level", "is_leader", "is_primary_contact", *_DATES),
    list_filter=("is_leader", "is_supervisor", "is_primary_contact", "is_default_project", "level"),
    list_select_related=("person", "project", "level"),
    search_fields=("person__username", "person__last_name", "project__code", "project__title"),
    autocomplete_fields=("person", "project", "level"),
)
_shown(
    models.ProjectReference,
    RecordedAdmin,
    list_display=("ref", "name", "resource", "kind", "matches", "project", *_DATES),
    list_filter=("resource", "kind", "matches"),
    list_select_related=("project",),
    search_fields=("ref", "name", "project__code", "project__title"),
    autocomplete_fields=("project",),
)


class WholeShares(BaseInlineFormSet):  # type: ignore[type-arg]
    """The shares of a split: they add up to the whole, or nothing is written."""

    def clean(self) -> None:
        super().clean()
        if self.instance.is_complete or any(form.errors for form in self.forms):
            return
        whole = sum(form.cleaned_data["millionths"] for form in self.forms if form.cleaned_data)
        if whole != models.WHOLE:
            raise ValidationError(f"shares: expected {models.WHOLE} millionths in all, found {whole}")


class Shares(RecordedInline):
    model = models.InstitutionShare
    formset = WholeShares
    autocomplete_fields = ("institution",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or not obj.is_complete

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or not obj.is_complete


class FundingForm(RecordedForm):
    class Meta:
        exclude = ("is_complete",)  # what it is once its shares stand


class FundingSplitAdmin(RecordedAdmin):
    """Who funds a project: a split with its shares. Others from a day on: end this one, enter another."""

    form = FundingForm
    list_display = ("project", *_DATES, "is_complete")
    list_filter = ("is_complete", "valid_from")
    list_select_related = ("project",)
    search_fields = ("project__code", "project__title", "shares__institution__name")
    autocomplete_fields = ("project",)
    kept_fields = ("project", "is_complete")
    inlines = (Shares,)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        split = form.instance
        if not split.is_complete:
            split.is_complete = True
            self._write(request, split, form.cleaned_data.get("why", ""))


_shown(models.FundingSplit, FundingSplitAdmin)
_shown(
    models.InstitutionShare,
    ReadOnlyAdmin,
    list_display=("split", "institution", "percent"),
    list_select_related=("split__project", "institution"),
    search_fields=("institution__name", "split__project__code"),
)
_shown(
    models.PostalAddress,
    RecordedAdmin,
    list_display=("line1", "city", "country"),
    search_fields=("line1", "city", "postal_code", "country"),
)
_shown(
    models.PointOfContact,
    RecordedAdmin,
    list_display=("person", "role", "institution", "project", "reference", *_DATES),
    list_filter=("role",),
    list_select_related=("person", "role", "institution", "project", "reference"),
    search_fields=("person__username", "person__last_name", "project__code", "institution__name"),
    autocomplete_fields=("person", "role", "address", "institution", "project", "reference"),
)
_shown(
    models.Identity,
    ReadOnlyAdmin,
    list_display=("external_id", "kind", "source", "last_seen", "missed_runs"),
    list_filter=("source", "kind"),
    search_fields=("external_id",),
)
_shown(
    models.HierarchyNode,
    ReadOnlyAdmin,
    list_display=("number", "key"),
    search_fields=("key",),
)
_shown(
    models.DirectoryImport,
    ReadOnlyAdmin,
    list_display=("source", "run_at", "effective", "who", "changes"),
    list_filter=("source",),
    search_fields=("source", "who"),
)
