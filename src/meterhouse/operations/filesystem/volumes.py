"""What is to be kept of a volume's scans? As the settings say, or by default."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from meterhouse.errors import QuestionError
from meterhouse.sources.filesystem.scans import DEPTH, ScannedVolume

if TYPE_CHECKING:
    from meterhouse.site import Site


def resource_of(site: Site, volume: str, resource: str | None = None) -> str:
    """The resource that a volume is on: as said, else as the settings say. Raises QuestionError."""
    declared = next((one.resource for one in site.settings.volumes if one.name == volume), None)
    if resource is None and declared is None:
        raise QuestionError(f"volume {volume}: expected --resource NAME, or [[volumes]] in the settings")
    if resource is not None and declared is not None and resource != declared:
        raise QuestionError(f"volume {volume}: expected resource {declared}, as declared, found {resource}")
    name = resource or declared or ""
    site.settings.resource(name)
    return name


def volume_of(site: Site, name: str) -> ScannedVolume:
    """What is to be kept of a volume's scans, as the settings say or by default."""
    said = next((one for one in site.settings.volumes if one.name == name), None)
    if said is None:
        return ScannedVolume(name)
    limit = said.depth
    if limit is None:
        top = _names_in(said.path or "/")
        needed = [_names_in(root.path) - top + root.depth for root in said.roots]
        limit = max(needed, default=DEPTH)

    def below(path: Path | None) -> Path | None:
        return site.path / path if path else None

    return ScannedVolume(
        name,
        (said.path.rstrip("/") or "/") if said.path else "/" if said.roots else None,
        limit,
        said.directories,
        said.entries,
        below(said.passwd_file),
        below(said.group_file),
        below(said.file_classes),
    )


def _names_in(path: str) -> int:
    return len([name for name in path.split("/") if name])
