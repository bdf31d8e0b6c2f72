"""Where the compiled reader is kept, and what is said when its libraries are missing."""

from __future__ import annotations

import subprocess
import sys
import tempfile

import pytest

from meterhouse.sources.filesystem.compiled import cache_folder


def test_compiled_code_is_kept_in_the_users_cache_and_not_beside_the_package(monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().parent == tmp_path / "meterhouse" / "numba"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "said"))
    assert cache_folder().parent == tmp_path / "said"


def test_without_a_home_that_can_be_written_it_is_kept_in_a_folder_of_this_user_alone(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = cache_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)  # somebody else may have put code into it
    other = cache_folder()
    assert other != folder
    assert other.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("missing", ["numpy", "numba", "isal"])
def test_a_missing_extra_is_told_in_one_line(tmp_path, missing):
    scan = tmp_path / "scan.gz"
    scan.write_bytes(b"\x1f\x8b")
    code = f"""
import sys
sys.modules[{missing!r}] = None
from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.scans import ScannedVolume, read_scan
try:
    list(read_scan([{str(scan)!r}], "lustre", ScannedVolume("v")).stream)
except MeterhouseError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f'scans need the extra "scan": pip install "meterhouse[scan]" (no module {missing})\n'
