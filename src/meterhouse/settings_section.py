"""What do all sections of meterhouse.toml share? Strictness, names, and secrets by reference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from meterhouse.errors import ConfigurationError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Section(BaseModel):
    """A table of meterhouse.toml: unknown keys are refused, and what may be a secret is never shown."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Secret(Section):
    """A secret by reference: `{ env = "NAME" }` or `{ file = "path" }`; never the secret itself."""

    env: str | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_plain_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError('expected a reference, { env = "NAME" } or { file = "path" }, not a secret')
        return value

    @model_validator(mode="after")
    def _one_reference(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError("expected exactly one of env and file")
        return self

    def reveal(self, site_path: Path) -> str:
        """The secret itself. Raises ConfigurationError, naming the reference only, when there is none."""
        if self.env is not None:
            value = os.environ.get(self.env)
            if value is None:
                raise ConfigurationError(f"secret: environment variable {self.env} is not set")
            return value
        assert self.file is not None
        try:
            return (site_path / self.file).read_text().rstrip("\n")
        except OSError as error:
            raise ConfigurationError(f"secret: file {self.file} can't be read: {error.strerror}") from None
