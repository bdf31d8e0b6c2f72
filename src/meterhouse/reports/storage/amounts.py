"""How are bytes, shares and ages written for people? In TiB, percent and days, rounded half to even."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

TIB = 2**40
_DAY = timedelta(days=1)


def rounded(dividend: int | Decimal, divisor: int, places: int) -> Decimal:
    """`dividend / divisor`, rounded once."""
    with localcontext(prec=80):
        return (Decimal(dividend) / divisor).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)


def tib(bytes_: int, places: int = 1) -> Decimal:
    """Bytes in TiB."""
    return rounded(bytes_, TIB, places)


def with_unit(bytes_: int) -> str:
    """Bytes for people, such as 1.5 GiB: in the greatest unit of which there is one."""
    for power, unit in ((60, "EiB"), (50, "PiB"), (40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")):
        if abs(bytes_) >= 1 << power:
            return f"{rounded(bytes_, 1 << power, 1)} {unit}"
    return f"{bytes_} B"


def days_since(moment: datetime | None, now: datetime) -> Decimal | None:
    """Days of 86,400 seconds from a moment to now, to a tenth."""
    if moment is None:
        return None
    return rounded((now - moment) // timedelta(microseconds=1), _DAY // timedelta(microseconds=1), 1)


def consumption(used: int, quota: int | None) -> str:
    """Use and quota in words. A quota of 0 is no limit; None: nobody said."""
    if quota is None:
        return f"{tib(used)} TiB"
    if quota == 0:
        return f"{tib(used)} TiB (Unlimited)"
    return f"{tib(used)} TiB of {tib(quota)} TiB ({rounded(used * 100, quota, 1)}%)"
