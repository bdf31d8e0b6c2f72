"""`meterhouse usage`: any question about usage."""

from __future__ import annotations

from typing import Annotated

import typer

from meterhouse.cli.options import (
    AsOfOption,
    Format,
    FormatOption,
    FromOption,
    ProfileOption,
    ToOption,
    filters,
    names,
    open_site,
    print_records,
)


def usage(
    context: typer.Context,
    first: FromOption,
    last: ToOption,
    realm: Annotated[str, typer.Option("--realm", help="compute, cloud, jobs, pods, storage ...")] = "cloud",
    meter: Annotated[
        str | None, typer.Option("--meter", help="Meters, with commas; the realm's first two if none.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Groupings with commas: month,project ...")] = None,
    where: Annotated[list[str] | None, typer.Option("--where", help="Keep grouping=value.")] = None,
    profile: ProfileOption = "default",
    as_of: AsOfOption = None,
    how: FormatOption = Format.table,
) -> None:
    """How much was used, by whom, when?"""
    from meterhouse.reports.questions import answer_question
    from meterhouse.usage.meters import find_realm
    from meterhouse.usage.question import Question

    question = Question.ask(
        realm=realm,
        meters=names(meter) or list(find_realm(profile, realm).meters)[:2],
        first=first,
        last=last,
        by=names(by),
        filters=filters(where),
        profile=profile,
    )
    with open_site(context) as site:
        found = answer_question(site, question, as_of)
    print_records(
        found.records(),
        found.columns(),
        how,
        numeric=[one.name for one in question.meters],
        empty="No data: nothing was recorded or built for this period.",
    )
