"""How does a form of the admin write? With the directory's pen: who, when, why, before and after are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, transaction
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from meterhouse.directory.pen import Pen
from meterhouse.directory.register.recorded import Change, Recorded, changing


class _Undone(Exception):
    """It could be written; it was only a trial."""


def told(error: IntegrityError, model: type[models.Model]) -> str:
    """What a refusal of the database means: the name of the constraint, which is the rule."""
    names = [one.name for one in model._meta.constraints if one.name in str(error)]
    return f"refused: {max(names, key=len).replace('_', ' ')}" if names else f"refused: {error}"


class RecordedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that asks for the reason of the change, and says what the database would refuse."""

    why = forms.CharField(
        required=False,
        max_length=100,
        label="Reason",
        help_text="Why this is changed; kept in the history.",
        widget=UnfoldAdminTextInputWidget,
    )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            self._try()

    def _try(self) -> None:
        """Write it and take it back: triggers are asked before anything is said to be saved."""
        row = self.instance
        before = (row.pk, row._state.adding, row._state.db)
        try:
            with transaction.atomic(using=DEFAULT_DB_ALIAS):
                row.save_base(raw=True, using=DEFAULT_DB_ALIAS)  # raw: history is no part of a trial
                raise _Undone
        except _Undone:
            pass
        except IntegrityError as error:
            self.add_error(None, told(error, type(row)))
        finally:
            row.pk, row._state.adding, row._state.db = before


class KeptAdmin(ModelAdmin):  # type: ignore[misc]
    """Staff sees and changes; nobody deletes. Who may come here at all is the site's matter."""

    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True
    list_fullwidth = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(KeptAdmin):
    """What the program decided or was told: seen, never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecordedAdmin(SimpleHistoryAdmin, KeptAdmin):  # type: ignore[misc]
    """A table whose every change is kept. `kept_fields` stay as they were entered."""

    form = RecordedForm
    kept_fields: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), *(self.kept_fields if obj is not None else ()))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """In the transaction of the request; all that it writes is known from one moment, a snapshot's."""
        self._write(request, obj, form.cleaned_data.get("why", ""))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.save(commit=False):
            self._write(request, row, form.cleaned_data.get("why", ""))
        formset.save_m2m()

    def _write(self, request: HttpRequest, row: Recorded, why: str) -> None:
        pen: Pen | None = getattr(request, "meterhouse_pen", None)
        if pen is None:
            pen = Pen(DEFAULT_DB_ALIAS, request.user.get_username(), why)
            request.meterhouse_pen = pen  # type: ignore[attr-defined]
        pen.save(row)

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is turned back: what is so again is a new change."""
        return True

    def history_form_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> Any:
        """An earlier state, to be looked at."""
        with changing(Change(request.user.get_username())):
            return super().history_form_view(request, *arguments, **options)


class RecordedInline(TabularInline):  # type: ignore[misc]
    """Rows that are written with what they belong to."""

    extra = 0
    hide_title = True
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
