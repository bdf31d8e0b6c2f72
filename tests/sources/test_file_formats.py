"""Kinds of file: our own are found by name, and packages may add some but replace none."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

from meterhouse.sources import file_formats
from meterhouse.sources.file_formats import FILE_FORMATS


def test_a_kind_is_found_by_name_and_its_deliveries_bear_it(tmp_path):
    path = tmp_path / "events.json"
    path.write_text("[]")
    for kind in ("generic-cloud", "hypervisor-facts", "openstack-events"):
        delivery = FILE_FORMATS[kind].read(path, "cloud")
        assert (delivery.source, delivery.resource, delivery.origin) == (kind, "cloud", str(path))
        assert len(list(delivery.stream)) == 1  # the coverage


def test_a_package_adds_a_kind_by_an_entry_point_but_replaces_none(monkeypatch):
    added = [
        EntryPoint("our-cloud-log", "os.path:join", file_formats.ENTRY_POINTS),
        EntryPoint("generic-cloud", "os.path:join", file_formats.ENTRY_POINTS),
    ]
    monkeypatch.setattr(file_formats, "entry_points", lambda group: added)
    kinds = file_formats.file_formats()
    assert list(kinds) == [*FILE_FORMATS, "our-cloud-log"]
    assert kinds["generic-cloud"] == FILE_FORMATS["generic-cloud"]
    assert kinds["our-cloud-log"].doc == "From the package os.path"
    assert kinds["our-cloud-log"].reader().__name__ == "join"


def test_listing_the_kinds_imports_nothing_heavy():
    code = "import sys, meterhouse.sources.file_formats as f; f.file_formats(); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
