"""The root of the project tree, known since ever."""

from datetime import UTC, datetime

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def add_root(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    alias = schema_editor.connection.alias
    root = (
        apps.get_model("directory", "Project")
        .objects.using(alias)
        .create(code="whole-centre", title="Whole centre", is_root=True)
    )
    apps.get_model("directory", "HistoricalProject").objects.using(alias).create(
        id=root.id,
        code=root.code,
        title=root.title,
        is_root=True,
        is_active=True,
        history_date=datetime(1970, 1, 1, tzinfo=UTC),
        history_type="+",
        history_user_id="meterhouse",
    )


class Migration(migrations.Migration):
    dependencies = [("directory", "0001_directory")]

    operations = [migrations.RunPython(add_root, migrations.RunPython.noop)]
