"""How is a value in a file read? Names, exact quantities and days, each with a clear refusal."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from meterhouse.allocations.rules.quantities import quantity


class Entry(BaseModel):
    """One record of a file: unknown fields are refused, nothing is guessed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )

    def unsaid(self, **field_of: str) -> frozenset[str]:
        """The fields of which the record says nothing; and columns of other names, each with its field."""
        fields = type(self).model_fields.keys() - self.model_fields_set
        return frozenset(fields).union(column for column, field in field_of.items() if field in fields)


def _name(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _day(value: Any) -> Any:
    if isinstance(value, datetime):
        raise ValueError(f"expected a day, found the moment {value.isoformat()}")
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a day of the calendar as YYYY-MM-DD") from None
    return value


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("expected a moment as YYYY-MM-DDTHH:MM:SS") from None
    return value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


Name = Annotated[str, BeforeValidator(_name), Field(min_length=1, max_length=500)]
Text = Annotated[str, BeforeValidator(_name), Field(max_length=500)]
Quantity = Annotated[Decimal, BeforeValidator(quantity)]
Day = Annotated[date, BeforeValidator(_day)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
OptionalName = Annotated[Name | None, BeforeValidator(_empty_is_none)]
OptionalDay = Annotated[Day | None, BeforeValidator(_empty_is_none)]
OptionalQuantity = Annotated[Quantity | None, BeforeValidator(_empty_is_none)]
