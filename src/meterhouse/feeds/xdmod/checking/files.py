"""Which of Open XDMoD's formats has a file, and does it keep to it?"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from meterhouse.feeds.xdmod.checking import json_files
from meterhouse.feeds.xdmod.checking.findings import Checked
from meterhouse.feeds.xdmod.checking.slurm_lines import check_slurm_lines

_MOMENT = r"\d{4}-\d\d-\d\dT\d\d[.:]\d\d[.:]\d\d"
_EVENTS_NAME = re.compile(rf"({_MOMENT})_({_MOMENT})\.json", re.ASCII)
_FACTS_NAME = re.compile(rf"hypervisor_facts_({_MOMENT})\.json", re.ASCII)
_DAY_NAME = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Check = Callable[[Checked, Path], None]


def check_file(path: Path) -> Checked:
    """Check one file, by what its name and its first characters say that it is."""
    name, check = _format(path)
    checked = Checked(path, name)
    if name == "openstack events":
        _check_window(checked, path.name)
    if name == "hypervisor facts" and not _FACTS_NAME.fullmatch(path.name):
        checked.fault(0, "name", "hypervisor_facts_YYYY-MM-DDTHH:MM:SS.json", repr(path.name))
    if name == "generic cloud events" and not _DAY_NAME.fullmatch(path.parent.name):
        checked.fault(0, "name", "a folder YYYY-MM-DD", repr(path.parent.name))
    check(checked, path)
    return checked


def _format(path: Path) -> tuple[str, Check]:
    if path.name == "resources.json":
        return "resources", json_files.check_resources
    if path.name == "resource_specs.json":
        return "resource specifications", json_files.check_resource_specs
    if path.name == "acct.json":
        return "generic cloud events", json_files.check_generic_events
    if path.name.startswith("hypervisor_facts"):
        return "hypervisor facts", json_files.check_hypervisor_facts
    if _EVENTS_NAME.fullmatch(path.name):
        return "openstack events", json_files.check_openstack_events
    if path.suffix == ".json":
        return _json_format(path)
    return "slurm lines", check_slurm_lines


def _json_format(path: Path) -> tuple[str, Check]:
    """Storage files may have any name; events under one are not read at all, which is a fault of the name."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        content = None
    first = content[0] if isinstance(content, list) and content else content
    if isinstance(first, dict) and "event_type" in first:
        return "openstack events", json_files.check_openstack_events
    if isinstance(first, dict) and "hypervisors" in first:
        return "hypervisor facts", json_files.check_hypervisor_facts
    return "storage samples", json_files.check_storage_samples


def _check_window(checked: Checked, name: str) -> None:
    parts = _EVENTS_NAME.fullmatch(name)
    expected = "YYYY-MM-DDTHH.MM.SS_YYYY-MM-DDTHH.MM.SS.json"
    if parts is None:
        checked.fault(0, "name", expected, repr(name))
        return
    try:
        start, end = (datetime.fromisoformat(part.replace(".", ":")) for part in parts.groups())
    except ValueError:
        checked.fault(0, "name", expected, repr(name))
        return
    if end < start:
        checked.fault(0, "name", "a window that begins before it ends", repr(name))
