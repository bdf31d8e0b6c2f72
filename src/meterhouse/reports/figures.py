"""How does an exact quantity become the figure that people read? Divided and rounded once, at the end."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

Quantity = int | Decimal
"""An exact quantity as counted: core seconds, MiB seconds, VMs. Never a float, never rounded before."""

NO_DATA = "–"


def rounded(quantity: Quantity, divisor: int, places: int) -> Decimal:
    """`quantity / divisor` with `places` decimals, a half going away from zero (ROUND_HALF_UP).

    Done in integers, so that no precision of an intermediate division can move a half.
    """
    scaled = abs(Fraction(quantity)) / divisor * 10**places
    nearest = int(scaled + Fraction(1, 2))
    # made from text: arithmetic on Decimals would round to the context's 28 digits
    return Decimal(f"{'-' if quantity < 0 else ''}{nearest}E-{places}")


def grouped(figure: Decimal | int) -> str:
    """`1234567.8` -> `1,234,567.8`: digits in threes, decimals as they are."""
    return f"{figure:,f}" if isinstance(figure, Decimal) else f"{figure:,d}"


def plain(value: Decimal | int) -> str:
    """The same number for a machine: no grouping, no exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def percent(part: Quantity, whole: Quantity) -> str | None:
    """`part` of `whole` in percent with one decimal; None where there is no whole to compare with."""
    if not whole:
        return None
    share = Fraction(part) / Fraction(whole) * 100
    return f"{rounded(share.numerator, share.denominator, 1)}\u00a0%"  # never parted from its sign
