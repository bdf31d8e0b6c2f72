"""Where do snapshot numbers start? The one row of the counter."""

from datetime import UTC, datetime

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def start_counting(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    counter = apps.get_model("catalogue", "SnapshotCounter").objects.using(schema_editor.connection.alias)
    counter.create(id=1, number=0, created_at=datetime(1970, 1, 1, tzinfo=UTC))


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_catalogue")]
    operations = [migrations.RunPython(start_counting, migrations.RunPython.noop)]
