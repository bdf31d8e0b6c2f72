"""What do Slurm's associations say? Accounts as a tree of projects, and who may use them.

Read from `sacctmgr --parsable2 --noheader show associations format=...` (FIELDS, in that order).
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from meterhouse.sources.directory.http import DirectoryUnreachable
from meterhouse.sources.directory.statement import (
    SaidAccount,
    SaidMember,
    SaidPerson,
    SaidProject,
    SaidRecord,
    SaidReference,
    Skipped,
    Statement,
    record,
)

FIELDS = ("cluster", "account", "user", "parentname", "defaultqos")
_ROOT = "root"
_LONGEST_SECONDS = 300


def command(program: str = "sacctmgr", cluster: str | None = None) -> list[str]:
    """The read-only command whose output `read` understands."""
    words = [program, "--parsable2", "--noheader", "show", "associations", f"format={','.join(FIELDS)}"]
    return [*words, f"cluster={cluster}"] if cluster else words


def fetch(words: Sequence[str]) -> str:
    """What sacctmgr prints."""
    try:
        ran = subprocess.run(  # noqa: S603 - the administrator's own words, no shell
            list(words), check=False, capture_output=True, text=True, timeout=_LONGEST_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DirectoryUnreachable(f"{words[0]}: {error}") from None
    if ran.returncode:
        raise DirectoryUnreachable(f"{words[0]}: exit code {ran.returncode}: {ran.stderr.strip()[:200]}")
    return ran.stdout


def read(source: str, resource: str, text: str, cluster: str | None = None) -> Statement:
    """What the associations say; those of other clusters than `cluster` are left alone."""
    statement = Statement(
        source,
        frozenset({"person", "project", "member", "reference", "account"}),
        frozenset({"person", "project"}),
    )
    projects: dict[str, SaidProject] = {}
    people: dict[str, SaidPerson] = {}
    members: dict[tuple[str, str], SaidMember] = {}
    said: list[SaidRecord] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"associations, record {number}"
        parts = line.split("|")
        if len(parts) != len(FIELDS):
            statement.skipped.append(Skipped(where, f"expected {len(FIELDS)} fields, found {len(parts)}"))
            continue
        of_cluster, account, user, parent, _ = (part.strip() for part in parts)
        if cluster and of_cluster != cluster:
            continue
        if not account:
            statement.skipped.append(Skipped(where, "account: expected a value, found none"))
            continue
        said.append(
            record("associations", f"{of_cluster}:{account}:{user}", dict(zip(FIELDS, parts, strict=True)))
        )
        if account == _ROOT:
            continue
        if not user:
            above = parent if parent and parent != _ROOT else None
            projects[account] = SaidProject(account, account, code=account, parent=above)
            continue
        projects.setdefault(account, SaidProject(account, account, code=account))
        people[user] = SaidPerson(user, username=user)
        members[account, user] = SaidMember(account, user)
    statement.projects += projects.values()
    statement.references += [SaidReference(one, resource, "slurm_account", one, name=one) for one in projects]
    statement.people += people.values()
    statement.accounts += [SaidAccount(one, resource, one) for one in people]
    statement.members += members.values()
    statement.said += said
    return statement
