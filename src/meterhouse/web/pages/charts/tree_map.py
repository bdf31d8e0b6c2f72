"""Which directories fill a volume? Rectangles as large as what they hold, drawn as SVG with links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle in per cent of the whole width and height."""

    number: int
    x: float
    y: float
    width: float
    height: float


def tiles(sizes: Sequence[float], ratio: float = 2.2) -> list[Tile]:
    """A rectangle for each size, as square as may be where the whole is `ratio` times as wide as high.

    Squarified: a row along the shorter side grows as long as that makes its rectangles squarer. Sizes come
    the greatest first; what is nothing has no rectangle.
    """
    wanted = [(number, size) for number, size in enumerate(sizes) if size > 0]
    whole = sum(size for _, size in wanted)
    if not whole:
        return []
    x, y, width, height = 0.0, 0.0, ratio, 1.0
    scale = width * height / whole
    waiting = [(number, size * scale) for number, size in wanted]
    found: list[Tile] = []
    while waiting:
        side = min(width, height)
        row = [waiting[0]]
        while len(row) < len(waiting) and _worst([*row, waiting[len(row)]], side) <= _worst(row, side):
            row.append(waiting[len(row)])
        waiting = waiting[len(row) :]
        depth = sum(area for _, area in row) / side
        along = 0.0
        for number, area in row:
            length = area / depth
            if width >= height:
                place = Tile(number, x, y + along, depth, length)
            else:
                place = Tile(number, x + along, y, length, depth)
            found.append(place)
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
    return [
        Tile(
            one.number,
            round(one.x / ratio * 100, 3),
            round(one.y * 100, 3),
            round(one.width / ratio * 100, 3),
            round(one.height * 100, 3),
        )
        for one in found
    ]


def _worst(row: Sequence[tuple[int, float]], side: float) -> float:
    """The longest of a row's rectangles, as long side by short side."""
    areas = [area for _, area in row]
    depth = sum(areas) / side
    return max(max(depth / (area / depth), (area / depth) / depth) for area in areas)
