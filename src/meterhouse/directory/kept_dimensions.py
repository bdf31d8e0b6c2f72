"""How is the directory not read anew for every question? Its tables are kept for each state that it had.

Every change of the directory makes a snapshot, so that the newest such snapshot of a view says which state
it sees. What is kept can be thrown away at any time.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

import meterhouse.register.configured  # noqa: F401
from meterhouse.directory.dated_dimensions import dated_dimensions
from meterhouse.directory.state import Directory
from meterhouse.register.transactions import asked
from meterhouse.usage.attribution import DATED_DIMENSIONS
from meterhouse.warehouse.catalogue.models import Snapshot

if TYPE_CHECKING:
    from meterhouse.warehouse.view import View

_FOLDER = ".dimensions"
_BEFORE = datetime(1970, 1, 2, tzinfo=UTC)  # the whole centre is known since ever, and nothing else
_KEPT = 8  # states; whoever asks about more in turn waits for them anew
# Raised when the same directory would make other rows.
_RULES = "1"


def kept_dimensions(view: View) -> dict[str, pa.Table]:
    """The tables of `usage.attribution.DATED_DIMENSIONS` as known in a view."""
    alias = view.register_alias
    newest = Snapshot.objects.using(alias).filter(kind="directory", number__lte=view.snapshot)
    state = asked(alias, lambda: newest.order_by("-number").first())
    if state is None:  # nobody has entered anything yet
        return dated_dimensions(Directory(alias, view.recorded_until or _BEFORE))
    shape = hashlib.sha256("\n".join(map(str, (_RULES, *DATED_DIMENSIONS.values()))).encode()).hexdigest()[
        :12
    ]
    folder = view.root / _FOLDER / f"{state.number}-{state.created_at:%Y%m%dT%H%M%S%f}-{shape}"
    kept = _read(folder)
    if kept is None:
        kept = dated_dimensions(Directory(alias, state.created_at))
        _keep(folder, kept)
    return kept


def _read(folder: Path) -> dict[str, pa.Table] | None:
    try:
        return {
            name: pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all()
            for name in DATED_DIMENSIONS
        }
    except (OSError, pa.ArrowInvalid):
        return None


def _keep(folder: Path, tables: dict[str, pa.Table]) -> None:
    """Whole or not at all; where it can't be written, every question reads the directory anew."""
    making = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    with suppress(OSError):
        making.mkdir(parents=True)
        for name, table in tables.items():
            with (
                pa.OSFile(str(making / f"{name}.arrow"), "wb") as file,
                pa.ipc.new_file(file, table.schema) as out,
            ):
                out.write_table(table)
        making.replace(folder)
        older = sorted(folder.parent.iterdir(), key=lambda one: one.stat().st_mtime)[:-_KEPT]
        for one in older:
            shutil.rmtree(one, ignore_errors=True)
    shutil.rmtree(making, ignore_errors=True)
