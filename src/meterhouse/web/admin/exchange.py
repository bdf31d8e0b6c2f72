"""How is reference data taken from files and given out as such? With a look at the difference first."""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, transaction
from import_export.admin import ImportExportModelAdmin
from import_export.formats.base_formats import CSV, JSON
from import_export.resources import ModelResource, modelresource_factory
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from meterhouse.directory.pen import Pen
from meterhouse.directory.register.recorded import Change, changing
from meterhouse.web.admin.recorded import RecordedAdmin

_WHY = "import of reference data"


class RecordedResource(ModelResource):  # type: ignore[misc]
    """Rows of a file, entered or changed as one recorded change; all of them or none."""

    def import_data(self, dataset: Any, dry_run: bool = False, **options: Any) -> Any:
        user = options.get("user")
        who = user.get_username() if user is not None else "import"
        with transaction.atomic(using=DEFAULT_DB_ALIAS):
            moment = None if dry_run else Pen(DEFAULT_DB_ALIAS, who, _WHY).moment
            with changing(Change(who, _WHY, moment)):
                result = super().import_data(dataset, dry_run=dry_run, **options)
            if dry_run or result.has_errors() or result.has_validation_errors():
                transaction.set_rollback(True, using=DEFAULT_DB_ALIAS)
        return result

    def skip_row(self, instance: Any, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """What is as it was; a new row never is, even where all of it is empty."""
        if original.pk is None:
            return False
        return bool(super().skip_row(instance, original, row, import_validation_errors))


def exchanged(model: type[models.Model], *fields: str, by: str = "id") -> type[RecordedResource]:
    """How rows of `model` stand in a file: its columns, and the one that says which row is meant."""
    found: type[RecordedResource] = modelresource_factory(
        model,
        resource_class=RecordedResource,
        meta_options={
            "fields": ("id", *fields),
            "import_id_fields": (by,),
            "skip_unchanged": True,
            "report_skipped": True,
            "use_transactions": True,
            "clean_model_instances": True,
        },
    )
    return found


class ExchangedAdmin(ImportExportModelAdmin, RecordedAdmin):  # type: ignore[misc]
    """A recorded table with import and export."""

    import_form_class = ImportForm
    export_form_class = ExportForm
    formats = [CSV, JSON]
    skip_admin_log = True  # the history keeps it

    def has_import_permission(self, request: Any) -> bool:
        return bool(self.admin_site.has_permission(request))

    has_export_permission = has_import_permission
