"""How is the kernel compiled? By Numba, once a machine: the code is kept in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from meterhouse.errors import MeterhouseError

Function = TypeVar("Function", bound=Callable[..., Any])

MISSING = 'scans need the extra "scan": pip install "meterhouse[scan]"'


class ScanExtraMissing(MeterhouseError):
    """Reading scans needs libraries that an installation without the extra doesn't have."""


def require_libraries() -> None:
    """Raise ScanExtraMissing, which says what to install, when a library isn't there."""
    for name in ("numpy", "numba", "isal"):
        try:
            import_module(name)
        except ImportError:
            raise ScanExtraMissing(f"{MISSING} (no module {name})") from None


def cache_folder() -> Path:
    """Where compiled code is kept: NUMBA_CACHE_DIR, else the user's cache folder, else a temporary one.

    Never beside the package, which may be installed where a user can't write.
    """
    said = os.environ.get("NUMBA_CACHE_DIR")
    if said:
        return Path(said) / _version()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = caches / "meterhouse" / "numba" / _version()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        pass
    else:
        if os.access(folder, os.W_OK):
            return folder
    # A folder of this user alone: whoever can write into it decides what code runs.
    folder = Path(tempfile.gettempdir()) / f"meterhouse-numba-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid == os.getuid() and not folder.is_symlink() and not status.st_mode & 0o022:
        return folder
    return Path(tempfile.mkdtemp(prefix="meterhouse-numba-"))


def is_compiled() -> bool:
    """Whether the kernel is in the cache: else its first use takes a while."""
    return any(cache_folder().rglob("kernel.read_lines-*.nbc"))


@cache
def _version() -> str:
    """A name for the kernel's code as it is: Numba looks only at the file in which a function stands."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name.startswith(("kernel", "compiled")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def compiled(function: Function) -> Function:
    """`function`, compiled when it is first called, or taken from the cache. Runs without the GIL."""
    return _compiled(function, False)


def inlined(function: Function) -> Function:
    """The same for a function that becomes part of those that call it: handing over all arrays is dear."""
    return _compiled(function, True)


def _compiled(function: Function, inline: bool) -> Function:
    import numba

    config: Any = numba.config
    njit: Any = numba.njit
    before = config.CACHE_DIR
    config.CACHE_DIR = str(cache_folder())
    try:
        # Without reference counts of arrays (_nrt): kernels allocate nothing, and counting is dear.
        jitted: Function = njit(cache=True, nogil=True, forceinline=inline, _nrt=False)(function)
    finally:
        config.CACHE_DIR = before
    return jitted
