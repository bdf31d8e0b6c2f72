"""Which pages has the reference, and how are they written?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from meterhouse.operations.reference.commands import commands_page
from meterhouse.operations.reference.counting import events_page, meters_page
from meterhouse.operations.reference.formats import file_formats_page, xdmod_page
from meterhouse.operations.reference.markdown import page
from meterhouse.operations.reference.settings import settings_page
from meterhouse.operations.reference.tables import derived_tables_page, raw_tables_page, register_page

_PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "commands.md": ("Commands, their options and defaults", commands_page),
    "settings.md": ("Keys of meterhouse.toml", settings_page),
    "meters.md": ("Meters, profiles, realms and groupings", meters_page),
    "events.md": ("States, events and the rules of both rule sets", events_page),
    "file-formats.md": ("Files that `meterhouse ingest` reads", file_formats_page),
    "xdmod.md": ("Open XDMoD's statistics and group-bys", xdmod_page),
    "raw-tables.md": ("Raw tables of the warehouse", raw_tables_page),
    "derived-tables.md": ("Derived tables of the warehouse", derived_tables_page),
    "register-tables.md": ("Tables of the register", register_page),
}


def pages() -> dict[str, str]:
    """File name -> text of each page."""
    lines = [f"- [{title}]({name})" for name, (title, _) in _PAGES.items()]
    index = page("Reference", "\n".join(lines))
    return {"README.md": index, **{name: make() for name, (_, make) in _PAGES.items()}}


def write_pages(folder: Path) -> list[Path]:
    """Write every page to `folder`, and remove pages there that are no longer made."""
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for left_over in folder.glob("*.md"):
        if left_over.name not in made:
            left_over.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in made]
