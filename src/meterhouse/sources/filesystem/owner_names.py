"""What are users and groups called? Ids and names of passwd and group files."""

from __future__ import annotations

from pathlib import Path

from meterhouse.errors import ConfigurationError


def names_of(path: Path) -> dict[int, str]:
    """Names by id, of a passwd or group file (`name:password:id:...`).

    The first line of an id counts, as for the system. Raises ConfigurationError that names file and line.
    """
    names: dict[int, str] = {}
    try:
        lines = path.read_bytes().decode("utf-8", "backslashreplace").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: expected a passwd or group file: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "+", "-")):
            continue
        fields = line.split(":")
        if len(fields) < 3 or not fields[2].isascii() or not fields[2].isdigit() or not fields[0]:
            raise ConfigurationError(
                f"{path}: line {number}: expected name:password:id:..., found {line[:80]!r}"
            )
        names.setdefault(int(fields[2]), fields[0])
    return names
