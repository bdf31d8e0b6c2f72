"""`meterhouse`, run in the test's own process: what its commands take is read once, not at every call."""

from __future__ import annotations

from functools import cache

import typer.testing
from typer.testing import CliRunner

__all__ = ["CliRunner"]

typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]
