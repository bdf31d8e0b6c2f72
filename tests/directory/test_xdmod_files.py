"""What gets into the directory from Open XDMoD's four CSV files, and what does a second run change?"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from meterhouse.cli.main import app
from meterhouse.directory.ownership import owners
from meterhouse.directory.periods import on
from meterhouse.directory.state import Directory
from meterhouse.site import Site
from services.invoked import CliRunner

FILES = {
    "names": 'ada,Ada,Oka,Northfield\nbea,Bea,Ruiz,Harbour\n"robot","",Robot\n',
    "hierarchy": "SCI,Science,\nOCE,Oceanography,SCI\nICE,Glaciology,SCI\n",
    "group-to-hierarchy": "ada,OCE\nbea,ICE\nnobody,OCE\nada,SCI\nada,OCE\n",
    "cloud-project-to-pi": "ada,ocean,cloud\nbea,ice,cloud\nghost,lost,cloud\n",
}
FIRST, MOVE, LATER = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)


@pytest.fixture
def run(site: Site, tmp_path: Path):
    def command(*options: str, **files: str) -> str:
        arguments = ["--site", str(site.path), "directory", "import-xdmod", "--enter", *options]
        for kind, text in files.items():
            path = tmp_path / f"{kind}.csv"
            path.write_text(text)
            arguments += [f"--{kind.replace('_', '-')}", str(path)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.output
        return done.output

    return command


def everything() -> dict[str, str]:
    return {kind.replace("-", "_"): text for kind, text in FILES.items()}


def led(site: Site, day: date) -> dict[str, tuple[str, str | None, str | None]]:
    """By project the PI, the PI's institution and the field, on a day."""
    directory = Directory(site.register.alias)
    found = {}
    for one in directory.projects.values():
        owner = on(day, owners(directory, one.id))
        if one.is_root or owner is None or owner.pi is None:
            continue
        institution = directory.institutions.get(owner.pi_institution or 0)
        path = directory.field_path(owner.field) if owner.field else None
        found[one.title] = (directory.people[owner.pi].username, institution, path and path[0])
    return found


def test_people_fields_and_projects_of_the_files_are_the_directorys(site: Site, run):
    told = run("--effective", FIRST.isoformat(), **everything())
    assert led(site, FIRST) == {
        "ocean": ("ada", "Northfield", "Oceanography"),
        "ice": ("bea", "Harbour", "Glaciology"),
    }
    directory = Directory(site.register.alias)
    assert {(one.resource, one.matches, one.ref) for one in directory.references} >= {
        ("cloud", "name", "ocean"), ("cloud", "name", "ice"),
    }  # fmt: skip
    assert {(one.resource, one.ref) for one in directory.accounts} == {
        ("", "ada"),
        ("", "bea"),
        ("", "robot"),
    }
    assert "expected the user name of a PI in names.csv" in told  # the group "nobody"
    assert "ghost" in told


def test_a_second_run_changes_nothing_and_a_dry_run_only_shows(site: Site, run):
    shown = run("--dry-run", "--effective", FIRST.isoformat(), **everything())
    assert "+ person ada" in shown
    assert len(Directory(site.register.alias).people) == 0
    run("--effective", FIRST.isoformat(), **everything())
    again = run("--effective", LATER.isoformat(), **everything())
    assert not [line for line in again.splitlines() if line[:2] in ("+ ", "~ ", "- ")]


def test_one_file_is_taken_with_the_newest_of_the_others(site: Site, run):
    run("--effective", FIRST.isoformat(), **everything())
    moved = FILES["names"].replace("Ada,Oka,Northfield", "Ada,Oka,Harbour")
    run("--effective", MOVE.isoformat(), names=moved)
    before = date(2026, 3, 31)
    assert led(site, before)["ocean"] == ("ada", "Northfield", "Oceanography")
    assert led(site, MOVE)["ocean"] == ("ada", "Harbour", "Oceanography")


def test_who_is_in_the_files_no_longer_is_inactive_after_so_many_runs(site: Site, run):
    run("--effective", FIRST.isoformat(), **everything())
    left = "".join(line + "\n" for line in FILES["names"].splitlines() if "bea" not in line)
    for day, active in ((MOVE, True), (LATER, False)):
        run("--inactive-after", "2", "--effective", day.isoformat(), names=left)
        people = {one.username: one for one in Directory(site.register.alias).people.values()}
        from meterhouse.directory.register.models import Person

        bea = Person.objects.using(site.register.alias).get(id=people["bea"].id)
        assert bea.is_active is active
