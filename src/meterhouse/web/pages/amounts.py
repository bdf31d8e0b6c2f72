"""How are quantities, shares and sizes written on a page? Exact enough to check, short enough to read."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def amount(value: Decimal | None, places: int = 2) -> str:
    """With separators, rounded half up, without zeros at the end; a dash where nothing is known."""
    if value is None:
        return "–"
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(value: Decimal | None) -> str:
    """To a tenth."""
    return "–" if value is None else f"{value.quantize(Decimal('0.1'), ROUND_HALF_UP):,f} %"


def size(value: int | None) -> str:
    """Bytes in the greatest unit of which there is at least one."""
    if value is None:
        return "–"
    unit = 0
    while unit + 1 < len(_UNITS) and abs(value) >= 1024 ** (unit + 1):
        unit += 1
    return f"{amount(Decimal(value) / 1024**unit, 1 if unit else 0)} {_UNITS[unit]}"
