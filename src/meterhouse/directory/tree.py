"""Which project stood below which, and when? The dated tree as a closure: every ancestor of every project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from meterhouse.directory.known import EVER, NEVER
from meterhouse.directory.periods import Dated, During


@dataclass(frozen=True, slots=True)
class Line:
    """A way up the tree: the project itself, its parent, ... and the root, for as long as all of it holds."""

    projects: tuple[int, ...]


class ProjectTree:
    """The tree of one state of the directory.

    `parents` are the dated parents of a project; on a day without any it stands right below the root.
    """

    def __init__(self, root: int | None, parents: Mapping[int, Dated[int]]) -> None:
        self._root = root
        self._parents = parents
        self._lines: dict[int, Dated[Line]] = {}

    def lines(self, project: int) -> Dated[Line]:
        """The ways from a project up to the root, in order of time, without gap."""
        if project not in self._lines:
            self._lines[project] = self._climb(project, frozenset())
        return self._lines[project]

    def parent(self, project: int, day: date) -> int | None:
        """The project right above on a day; None above the root."""
        line = next(line for line in self.lines(project) if line.start <= day < line.end).value
        return line.projects[1] if len(line.projects) > 1 else None

    def _climb(self, project: int, below: frozenset[int]) -> Dated[Line]:
        if project in self._lines:
            return self._lines[project]
        if project == self._root or project in below:  # a ring, which the register refuses, ends here
            return [During(EVER, NEVER, Line((project,)))]
        top = (project,) if self._root is None else (project, self._root)
        found: Dated[Line] = []
        since = EVER
        for held in sorted(self._parents.get(project, ()), key=lambda one: one.start):
            if held.start >= held.end:
                continue
            if since < held.start:
                found.append(During(since, held.start, Line(top)))
            for above in self._climb(held.value, below | {project}):
                if above.meets(held.start, held.end):
                    part = above.within(held.start, held.end)
                    found.append(During(part.start, part.end, Line((project, *part.value.projects))))
            since = held.end
        if since < NEVER:
            found.append(During(since, NEVER, Line(top)))
        if not below:
            self._lines[project] = found
        return found
