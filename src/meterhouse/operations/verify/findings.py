"""What did a verification find? Values that say what was expected, what was found, and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
MOST_OF_A_KIND = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that isn't as it should be (error), may not be (warning), or is good to know (note)."""

    check: str
    severity: Severity
    what: str
    expected: str
    found: str
    where: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All findings, the gravest first, and how much was looked at. Without errors, all is as it should be."""

    findings: tuple[Finding, ...]
    snapshot: int
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        return self.count("error") == 0

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.check, one.where, one.what))
    )


def not_too_many(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The first findings of each check and severity, and for the rest how many there were."""
    seen: Counter[tuple[str, Severity]] = Counter()
    for finding in findings:
        kind = (finding.check, finding.severity)
        seen[kind] += 1
        if seen[kind] <= MOST_OF_A_KIND:
            yield finding
    for (check, severity), count in seen.items():
        if count > MOST_OF_A_KIND:
            more = count - MOST_OF_A_KIND
            yield Finding(check, severity, "more of the same", "none", f"{more} more", "everywhere")
