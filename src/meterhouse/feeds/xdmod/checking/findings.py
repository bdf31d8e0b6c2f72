"""What is wrong with a file? Faults that Open XDMoD refuses or loses, and records that it doesn't count."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Where it stands (record 0: the file), what was expected and what was found."""

    record: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"record {self.record}" if self.record else "file"
        name = f", field {self.field}" if self.field else ""
        return f"{where}{name}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class Checked:
    """A file that was checked: the format that it has, its records, and what is wrong with them."""

    path: Path
    format: str
    records: int = 0
    faults: list[Finding] = field(default_factory=list)
    remarks: list[Finding] = field(default_factory=list)

    def fault(self, record: int, name: str, expected: str, found: str) -> None:
        """Note what Open XDMoD refuses or loses."""
        self.faults.append(Finding(record, name, expected, found))

    def remark(self, record: int, name: str, expected: str, found: str) -> None:
        """Note what Open XDMoD takes but doesn't count."""
        self.remarks.append(Finding(record, name, expected, found))
