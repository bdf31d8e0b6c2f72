"""`meterhouse storage decide` and `decisions`: what is to be done about directories of projects."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import Format, FormatOption, open_site, print_records


def decide(
    context: typer.Context,
    volume: Annotated[str, typer.Argument(metavar="VOLUME", help="Volume, as the project report says it.")],
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Project, such as projects/NAME.")],
    directory: Annotated[
        str, typer.Argument(metavar="[DIRECTORY]", help="Directory within it; the whole project if none.")
    ] = "",
    status: Annotated[str | None, typer.Option("--status", help="How it stands.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="What is to be done.")] = None,
    comment: Annotated[str | None, typer.Option("--comment", help="Anything else.")] = None,
) -> None:
    """Note what is decided about a directory of a project. It outlasts every scan."""
    from getpass import getuser

    from meterhouse.reports.storage.decisions import decide as note
    from meterhouse.reports.storage.tsv import WHOLE_PROJECT

    directory = "" if directory == WHOLE_PROJECT else directory.strip("/")
    with open_site(context) as site:
        kept = note(
            site, volume, project, directory, getuser(), status=status, action=action, comment=comment
        )
    place = "/".join(filter(None, (project, directory)))
    said = {"status": kept.status, "action": kept.action, "comment": kept.comment}
    print(f"{place} on {volume}: {', '.join(f'{name} {value}' for name, value in said.items() if value)}")


def decisions(context: typer.Context, how: FormatOption = Format.table) -> None:
    """All that was ever decided about directories, oldest first, with who and when."""
    from meterhouse.reports.storage.decisions import decision_history

    with open_site(context) as site:
        rows = decision_history(site)
    columns = ("at", "who", "volume", "project", "directory", "status", "action", "comment")
    print_records(rows, columns, how, empty="Nothing was decided yet.")
