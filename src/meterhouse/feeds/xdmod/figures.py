"""How does Open XDMoD print a figure, and what is a standard error to it?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from meterhouse.feeds.xdmod.realms import StandardError
from meterhouse.usage.capacity import rounded

# Exact, or floating-point where MySQL's is; None where it has no figure.
Figure = Fraction | float | None

_NO_FIGURE = ""
# MySQL divides decimals to whole words of nine digits, and the rest is gone.
_WORD = 10**9


def standard_error(sums: Mapping[str, int], error: StandardError, per: int) -> float | None:
    """The square root of (squares / count - (total / count) ^ 2) / count, by `per`; 0.0 of nothing.

    None where the root has no value: squares and count may be of other jobs than the total, such as those
    that ended where the total is of all that ran.
    """
    squares, total, count = (sums.get(name, 0) for name in error.facts)
    if count == 0:
        return 0.0
    mean = float(Fraction(total * _WORD // count, _WORD))
    variance = (float(squares) / count - math.pow(mean, 2)) / count
    return None if variance < 0 else math.sqrt(variance) / per


def printed(value: Figure, decimals: int) -> str:
    """Exact figures rounded half up; others with all their digits, and never with an exponent."""
    if value is None:
        return _NO_FIGURE
    if isinstance(value, Fraction):
        return f"{rounded(value, decimals):f}"
    return f"{Decimal(repr(value)):f}" if value else "0"
