"""Everything that can be used stands in docs/reference, as the code has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from meterhouse.operations.reference.commands import commands
from meterhouse.operations.reference.pages import pages
from meterhouse.operations.reference.settings import MEANINGS, setting_keys
from meterhouse.operations.reference.tables import table_names
from meterhouse.sources.file_formats import FILE_FORMATS
from meterhouse.usage.meters import groupings, profiles
from meterhouse.usage.rules import rule_tables, state_codes

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_page_is_what_the_code_says_now(name: str) -> None:
    assert page(name) == pages()[name], "write the reference anew: make docs"


def test_no_page_is_left_over() -> None:
    assert {path.name for path in REFERENCE.glob("*.md")} == set(pages())


def test_every_command_is_documented_with_its_options() -> None:
    text = page("commands.md")
    for name, command in commands():
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert command.help, f"{name} has no help"
        assert command.help.splitlines()[0] in section
        for parameter in command.params:
            if parameter.param_type_name == "option" and not parameter.hidden:
                assert parameter.help, f"{name} {parameter.opts[0]} has no help"
                assert parameter.opts[0] in section


def test_every_setting_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert set(MEANINGS) == setting_keys()


def test_every_meter_and_grouping_is_documented() -> None:
    text = page("meters.md")
    for profile, realms in profiles().items():
        for name, realm in realms.items():
            section = text.partition(f"\n## Profile {profile}, realm {name}\n")[2].partition("\n## ")[0]
            assert all(f"| `{meter}` | " in section for meter in realm.meters)
    section = text.partition("\n## Groupings\n")[2]
    assert all(f"| `{grouping}` | " in section for grouping in groupings())


def test_every_state_and_event_is_documented() -> None:
    text = page("events.md")
    events = [*rule_tables()["event_vocabulary"].column("event").to_pylist(), *state_codes()]
    assert all(f"| `{event}` | " in text for event in events)


def test_every_table_is_documented() -> None:
    text = page("raw-tables.md") + page("derived-tables.md") + page("register-tables.md")
    assert all(f"\n## {table}\n" in text for table in table_names())


def test_every_file_format_is_documented() -> None:
    assert all(f"| `{kind}` | " in page("file-formats.md") for kind in FILE_FORMATS)
