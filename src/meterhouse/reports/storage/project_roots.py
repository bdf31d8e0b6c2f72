"""Which project does a directory belong to? Roots with globs, and what stands below them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from dataclasses import dataclass

from meterhouse.settings import ProjectRoot

_USERS = "users"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a directory stands: its project, such as `projects/NAME`, and the directory within it.

    `within` has as many names as are told apart, `()` for the project itself.
    """

    project: str
    within: tuple[str, ...]

    def and_above(self) -> list[Place]:
        """This place, and all above it up to the project."""
        return [Place(self.project, self.within[:length]) for length in range(len(self.within), -1, -1)]


class ProjectRoots:
    """The roots of one volume, in order: the first that fits decides."""

    def __init__(self, roots: Sequence[ProjectRoot]) -> None:
        self._roots = [_Root.of(root) for root in roots]

    @property
    def depth(self) -> int | None:
        """How many names of a path have to be told apart; None without roots."""
        return max((len(root.patterns) + root.depth for root in self._roots), default=None)

    def place(self, directory: str) -> Place | None:
        """Where a directory belongs; None outside of every project."""
        names = [name for name in directory.split("/") if name]
        for root in self._roots:
            below = root.below(names)
            if below:
                shown = root.shown or names[: len(names) - len(below)]
                return Place(f"{shown[-1]}/{below[0]}" if shown else below[0], root.cut(below))
        return None

    def is_at_root(self, directory: str, name: str) -> int | None:
        """Which root a directory of that name stands right below; None when it doesn't."""
        names = [one for one in directory.split("/") if one]
        for number, root in enumerate(self._roots):
            if root.below(names) == [name]:
                return number
        return None


@dataclass(frozen=True, slots=True)
class _Root:
    patterns: tuple[re.Pattern[str], ...]
    shown: list[str] | None
    depth: int

    @classmethod
    def of(cls, root: ProjectRoot) -> _Root:
        patterns = [re.compile(fnmatch.translate(name)) for name in root.path.split("/") if name]
        shown = [name for name in root.shown_as.split("/") if name] if root.shown_as else None
        return cls(tuple(patterns), shown, root.depth)

    def below(self, names: list[str]) -> list[str] | None:
        """The names below this root; None when it isn't above them."""
        if len(names) < len(self.patterns):
            return None
        if all(pattern.match(name) for pattern, name in zip(self.patterns, names, strict=False)):
            return names[len(self.patterns) :]
        return None

    def cut(self, below: list[str]) -> tuple[str, ...]:
        """What is told apart within the project; a directory of users one level deeper."""
        depth = self.depth
        if len(below) >= depth and below[depth - 1].lower() == _USERS:
            depth += 1
        return tuple(below[1:depth])
