"""How does a database keep a quantity exactly? PostgreSQL as NUMERIC(28, 9), SQLite as text."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models

from meterhouse.allocations.rules.quantities import DECIMALS, DIGITS, quantity, shown

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:  # Django's own class knows its types only to the checker
    _Field = models.Field


class QuantityField(_Field):
    """An exact quantity. SQLite's NUMERIC would make a double of it beyond 15 digits.

    SQL that compares it says `CAST(x AS NUMERIC)`, which is exact enough for a sign.
    """

    description = "Exact quantity of 28 digits, nine of them decimals"

    def db_type(self, connection: Any) -> str:
        return "text" if connection.vendor == "sqlite" else f"numeric({DIGITS}, {DECIMALS})"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Decimal) else quantity(value)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return None if value is None else quantity(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = value if prepared else self.get_prep_value(value)
        return shown(value) if value is not None and connection.vendor == "sqlite" else value

    def value_to_string(self, obj: models.Model) -> str:
        return shown(self.value_from_object(obj)) or ""

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        from django import forms

        kwargs.pop("form_class", None)
        kwargs.pop("choices_form_class", None)
        return super().formfield(
            form_class=forms.DecimalField, max_digits=DIGITS, decimal_places=DECIMALS, **kwargs
        )
