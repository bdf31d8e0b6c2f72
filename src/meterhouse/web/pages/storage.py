"""What fills the file systems? Directories as a tree map, and whose, how old and of which class all is."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from meterhouse.errors import MeterhouseError, QuestionError
from meterhouse.reports.storage.chosen_scans import Scan
from meterhouse.reports.storage.question import StorageQuestion, asked
from meterhouse.reports.storage.within import Part, Within, within
from meterhouse.sources.filesystem.file_classes import age_buckets
from meterhouse.web import kept, present
from meterhouse.web.pages.amounts import size
from meterhouse.web.pages.charts.tree_map import tiles
from meterhouse.web.pages.frame import for_accounts
from meterhouse.web.pages.kept_register import seen_by
from meterhouse.web.pages.words import site_today
from meterhouse.web.serving import served_site
from meterhouse.web.visitors import right_of_request

_TILES = 60
_DAYS_BACK = 3660  # the newest scan, however long ago: its date is shown
_KINDS = 5  # colours of tiles


@for_accounts
def storage(request: HttpRequest) -> HttpResponse:
    """The page: the newest scan of a volume, a directory of it."""
    volume, path = request.GET.get("volume", ""), request.GET.get("path", "")
    try:
        scans, found = _asked(request, volume, path)
    except QuestionError as mistake:
        if not volume and not path:
            return render(request, "storage.html", {"none": True})
        return render(request, "storage.html", {"mistake": str(mistake)}, status=400)
    except MeterhouseError as mistake:
        return render(request, "storage.html", {"mistake": str(mistake)}, status=400)
    return render(request, "storage.html", _context(scans, found))


def _asked(request: HttpRequest, volume: str, path: str) -> tuple[list[Scan], Within]:
    today, owners = site_today(), seen_by(request).files

    def read() -> tuple[list[Scan], Within]:
        question = StorageQuestion(today, days_back=_DAYS_BACK, partial=True, owners=owners)
        with asked(served_site(), question) as opened:
            scan = next((one for one in opened.scans if not volume or one.volume == volume), None)
            if scan is None:
                known = ", ".join(one.volume for one in opened.scans)
                raise QuestionError(f"volume: expected one of {known}, found {volume!r}")
            return opened.scans, within(opened, scan, path or scan.top)

    snapshot = present.view().snapshot
    return kept.STORAGE.get((snapshot, today, volume, path, right_of_request(request).key), read)


def _context(scans: list[Scan], found: Within) -> dict[str, Any]:
    top = found.scan.top.rstrip("/") or "/"
    names = [name for name in found.path[len(top) :].split("/") if name]
    steps = [(top, _address(found.scan.volume, top))]
    for number, name in enumerate(names, start=1):
        steps.append((name, _address(found.scan.volume, "/".join([top.rstrip("/"), *names[:number]]))))
    shown = found.below[:_TILES]
    rest = sum(one.bytes for one in found.below[_TILES:])
    above = sum(one.bytes for one in found.below)
    right_here = max(found.bytes - above, 0)
    placed = tiles([*(float(one.bytes) for one in shown), float(rest), float(right_here)])
    titles = dict(age_buckets())
    return {
        "scans": scans,
        "found": found,
        "steps": steps,
        "size": size(found.bytes),
        "tiles": [
            {
                "place": tile,
                "kind": tile.number % _KINDS,
                **_tile(found, tile.number, rest, right_here),
            }
            for tile in placed
        ],
        "below": [
            {
                "name": one.directory.rpartition("/")[2],
                "one": one,
                "size": size(one.bytes),
                "address": _address(found.scan.volume, one.directory),
                "part": _part(one.bytes, found.bytes),
            }
            for one in found.below
        ],
        "lists": [
            ("By group", "Group", [_row(one, found) for one in found.groups]),
            ("By user", "User", [_row(one, found) for one in found.users]),
            ("By class of files", "Class", [_row(one, found) for one in found.classes]),
            (
                "By last reading",
                "Read",
                [
                    _row(one, found)
                    | {"what": titles.get(int(one.what), one.what) if one.what else "not known"}
                    for one in found.ages
                ],
            ),
        ],
    }


def _tile(found: Within, number: int, rest: int, right_here: int) -> dict[str, Any]:
    shown = found.below[:_TILES]
    if number < len(shown):
        one = shown[number]
        return {
            "name": one.directory.rpartition("/")[2],
            "size": size(one.bytes),
            "address": _address(found.scan.volume, one.directory),
        }
    if number == len(shown):
        return {"name": "others", "size": size(rest), "address": ""}
    return {"name": "files right here", "size": size(right_here), "address": ""}


def _row(one: Part, found: Within) -> dict[str, Any]:
    quota = one.quota_bytes
    return {
        "what": one.what,
        "size": size(one.bytes),
        "files": f"{one.files:,}",
        "part": _part(one.bytes, found.bytes),
        "newest": one.newest_modification,
        "quota": "" if quota is None else ("no limit" if quota == 0 else size(quota)),
    }


def _part(bytes_: int, whole: int) -> int:
    return bytes_ * 100 // whole if whole else 0


def _address(volume: str, path: str) -> str:
    return urlencode({"volume": volume, "path": path})
