"""How exact is a quantity? Nine decimals, 28 digits, never a float; rounded half up where it must be."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from fractions import Fraction

DIGITS = 28
DECIMALS = 9
ZERO = Decimal(0)
_STEP = Decimal(1).scaleb(-DECIMALS)
_PERCENT_STEP = Decimal("0.0001")
_LIMIT = Decimal(10) ** (DIGITS - DECIMALS)
# Products of two quantities keep all their digits before they are rounded.
_WIDE = Context(prec=80, rounding=ROUND_HALF_UP)


class NotAQuantity(ValueError):
    """A text or number that isn't an exact quantity."""


def quantity(value: object) -> Decimal:
    """An exact quantity from text, an integer or a Decimal. Floats are refused: they aren't what was said."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotAQuantity(f"expected a decimal number as text or an integer, found {value!r}")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise NotAQuantity(f"expected a decimal number, found {value!r}") from None
    if not number.is_finite():
        raise NotAQuantity(f"expected a finite number, found {value!r}")
    if abs(number) >= _LIMIT:
        raise NotAQuantity(f"expected less than 10^{DIGITS - DECIMALS}, found {value!r}")
    rounded = number.quantize(_STEP, context=_WIDE)
    if rounded != number:
        raise NotAQuantity(f"expected at most {DECIMALS} decimals, found {value!r}")
    return rounded


def rounded(number: Decimal) -> Decimal:
    """To nine decimals, half up."""
    return number.quantize(_STEP, context=_WIDE)


def scaled(raw: Decimal, factor: Decimal) -> Decimal:
    """`raw` times `factor`, rounded once."""
    return rounded(_WIDE.multiply(raw, factor))


def divided(number: Decimal, by: Decimal | int) -> Decimal:
    """A quotient, rounded once."""
    return rounded(_WIDE.divide(number, Decimal(by)))


def from_fraction(quantity: int | Fraction, times: int, per: int) -> Decimal:
    """`quantity` x `times` / `per`, rounded once."""
    if isinstance(quantity, int):
        return divided(Decimal(quantity * times), per)
    whole = quantity * times / per
    return divided(Decimal(whole.numerator), Decimal(whole.denominator))


def percent(used: Decimal, allocated: Decimal) -> Decimal | None:
    """100 x used / allocated to four decimals, half up; None where nothing is allocated."""
    if allocated == 0:
        return None
    return _WIDE.divide(_WIDE.multiply(used, Decimal(100)), allocated).quantize(_PERCENT_STEP, context=_WIDE)


def split(whole: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """`whole` in parts as `weights` to one another; the parts add up to it exactly.

    Each border between two parts is rounded, not each part, so nothing is lost or invented.
    """
    total = sum((Decimal(weight) for weight in weights), ZERO)
    if total == 0:
        raise ValueError("expected weights that add up to more than nothing")
    parts: list[Decimal] = []
    before, reached = ZERO, ZERO
    for weight in weights:
        reached += weight
        border = whole if reached == total else rounded(_WIDE.divide(_WIDE.multiply(whole, reached), total))
        parts.append(border - before)
        before = border
    return parts


def shown(number: Decimal | None) -> str | None:
    """A quantity as people write it: no exponent, no idle zeros."""
    if number is None:
        return None
    if number == 0:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
