"""How do tests get a register with its tables made? As a copy of one that each process makes once."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from django.db import connections

from meterhouse.register.database import open_register


@cache
def migrated_sqlite() -> Path:
    """A SQLite file with every table and nothing in it, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="meterhouse-register-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "register.sqlite3"
    register = open_register(path)
    register.migrate()
    with connections[register.alias].cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    register.close()
    return path
