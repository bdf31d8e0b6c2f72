"""How are the pages of docs/reference written? `python -m meterhouse.operations.reference docs/reference`."""

from __future__ import annotations

import sys
from pathlib import Path

from meterhouse.operations.reference.pages import write_pages


def main(arguments: list[str]) -> int:
    """Write the pages to the one folder that is named; 2 when none or several are."""
    if len(arguments) != 1:
        print("usage: python -m meterhouse.operations.reference FOLDER", file=sys.stderr)
        return 2
    for path in write_pages(Path(arguments[0])):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
