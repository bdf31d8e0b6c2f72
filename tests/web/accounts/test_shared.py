"""Is everything counted once, however many count at once? In a file, and in PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from served import copied

from services.fixtures import postgresql as postgresql
from services.postgresql import PostgreSQL

EXPECTED = {
    "counts": True,
    "locks": 1,
    "kept": {"a": [1.5]},
    "gone": "nothing",
    "short": [1, 2, 1],
    "deleted": [True, False, None],
}


def counted(folder: Path, register: str = "") -> Any:
    (folder / "meterhouse.toml").write_text(f'[site]\nname = "x"\n{register}')
    program = Path(__file__).with_name("counting.py")
    done = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_counts_in_a_file(original: Path, tmp_path: Path) -> None:
    assert counted(copied(original, tmp_path / "site")) == EXPECTED


@pytest.mark.filterwarnings("ignore")
def test_counts_in_postgresql(tmp_path: Path, postgresql: PostgreSQL) -> None:
    assert counted(tmp_path, f'[register]\nurl = "{postgresql.database()}"\n') == EXPECTED
