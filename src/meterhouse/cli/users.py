"""`meterhouse users`: who may log in to the web site, and with which tokens programs ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from meterhouse.cli.options import Format, FormatOption, names, print_records

if TYPE_CHECKING:
    from meterhouse.site import Site

app = typer.Typer(name="users", help="Who may log in to the web site.", no_args_is_help=True)
_NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the account.")]
_TOKEN_COLUMNS = ("number", "name", "scopes", "created_at", "expires_at", "revoked_at")
_COLUMNS = ("name", "role", "person", "institution", "active", "last_login")
_PersonOption = Annotated[
    str | None, typer.Option("--person", help="User name of the person in the directory.")
]
_InstitutionOption = Annotated[
    str | None, typer.Option("--institution", help="Name or id of the institution in the directory.")
]


def _open(context: typer.Context) -> Site:
    from meterhouse.web.configured import configure

    return configure(context.obj)


def _password(variable: str | None) -> str:
    import os
    import sys

    from meterhouse.errors import ConfigurationError

    if variable is not None:
        if variable not in os.environ:
            raise ConfigurationError(f"password: environment variable {variable} is not set")
        return os.environ[variable]
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@app.command("add")
def add(
    context: typer.Context,
    name: _NameArgument,
    role: Annotated[str, typer.Option("--role", help="user, institution, staff or administrator.")],
    person: _PersonOption = None,
    institution: _InstitutionOption = None,
    email: Annotated[str, typer.Option("--email", help="Where mail goes.")] = "",
    password_env: Annotated[
        str | None, typer.Option("--password-env", metavar="NAME", help="Environment variable to read.")
    ] = None,
) -> None:
    """Add an account. Its password is asked for at a terminal, else the first line of standard input."""
    password = _password(password_env)
    with _open(context):
        from meterhouse.web.accounts.granting import add_account

        add_account(name, password, role, email=email, person=person, institution=institution)
    print(f"Account {name}, role {role}.")


@app.command("list")
def show(context: typer.Context, how: FormatOption = Format.table) -> None:
    """Which accounts are there?"""
    with _open(context):
        from meterhouse.web.accounts.models import Access

        records: list[dict[str, object]] = [
            {
                "name": one.user.get_username(),
                "role": one.role,
                "person": one.person.username if one.person else None,
                "institution": one.institution.name if one.institution else None,
                "active": one.user.is_active,
                "last_login": one.user.last_login,
            }
            for one in Access.objects.select_related("user", "person", "institution").order_by(
                "user__username"
            )
        ]
    print_records(records, _COLUMNS, how, empty="There are no accounts.")


@app.command("close")
def close(context: typer.Context, name: _NameArgument) -> None:
    """Refuse an account from now on, with its tokens."""
    with _open(context):
        from meterhouse.web.accounts.granting import set_active

        set_active(name, False)
    print(f"Account {name} is closed.")


@app.command("token")
def token(
    context: typer.Context,
    name: _NameArgument,
    scope: Annotated[
        str,
        typer.Option("--scope", help="usage, records, coverage, directory, allocations, files, with commas."),
    ] = "usage",
    days: Annotated[int, typer.Option("--days", help="How long it may be used.")] = 90,
    title: Annotated[str, typer.Option("--title", help="What it is for.")] = "",
) -> None:
    """Make an API token and print it: it can't be read again."""
    with _open(context):
        from meterhouse.web.accounts.granting import give_token

        print(give_token(name, title or "command line", names(scope), days))


@app.command("change")
def change(
    context: typer.Context,
    name: _NameArgument,
    role: Annotated[
        str | None, typer.Option("--role", help="user, institution, staff or administrator.")
    ] = None,
    person: _PersonOption = None,
    institution: _InstitutionOption = None,
) -> None:
    """Give an account another role, person or institution; its tokens see from then on what it sees."""
    with _open(context):
        from meterhouse.web.accounts.granting import change_account

        access = change_account(name, role=role, person=person, institution=institution)
        print(f"Account {name}, role {access.role}.")


@app.command("tokens")
def tokens(context: typer.Context, name: _NameArgument, how: FormatOption = Format.table) -> None:
    """Which tokens has an account? Their numbers, not the tokens: those can't be read again."""
    with _open(context):
        from meterhouse.web.accounts.granting import account

        records: list[dict[str, object]] = [
            {column: getattr(one, "id" if column == "number" else column) for column in _TOKEN_COLUMNS}
            for one in account(name).api_tokens.order_by("id")
        ]
    print_records(records, _TOKEN_COLUMNS, how, empty="There are no tokens.")


@app.command("revoke")
def revoke(
    context: typer.Context,
    name: _NameArgument,
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="Number of the token, as `tokens` says it.")
    ],
) -> None:
    """Refuse a token from now on."""
    with _open(context):
        from meterhouse.web.accounts.granting import revoke_token

        revoke_token(name, number)
    print(f"Token {number} of {name} is refused.")
