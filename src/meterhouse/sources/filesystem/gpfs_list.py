"""What does a GPFS policy list say? `Inode Generation Snapshot columns... -- path`, columns as declared.

The rule decides which attributes are shown, in which order; `--columns` says the same order here:

    RULE 'x' EXTERNAL LIST 'all' EXEC '' ESCAPE '%'
    RULE 'y' LIST 'all' DIRECTORIES_PLUS SHOW(VARCHAR(FILE_SIZE) || ' ' || VARCHAR(KB_ALLOCATED) || ' ' ||
        VARCHAR(USER_ID) || ' ' || VARCHAR(GROUP_ID) || ' ' || VARCHAR(ACCESS_TIME) || ' ' ||
        VARCHAR(MODIFICATION_TIME) || ' ' || MODE || ' ' || VARCHAR(NLINK))
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from meterhouse.errors import MeterhouseError
from meterhouse.sources.filesystem.translated import LONGEST_RECORD, line_of, unusable

COLUMNS = (
    "file_size",
    "kb_allocated",
    "user_id",
    "group_id",
    "access_time",
    "modification_time",
    "change_time",
    "creation_time",
    "mode",
    "misc_attributes",
    "nlink",
    "ignore",
)
_REQUIRED = {"file_size", "user_id", "group_id", "access_time", "modification_time"}
_TYPES = {"-": b"f", "d": b"d", "l": b"l", "s": b"s", "b": b"b", "c": b"c", "p": b"F"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class GpfsRecords:
    """Makes the kernel's lines of a policy list whose columns are `columns`, separated by commas.

    Raises MeterhouseError for columns that don't say enough.
    """

    def __init__(self, columns: str | None, origin: str) -> None:
        self._columns = [name.strip().lower() for name in (columns or "").split(",") if name.strip()]
        unknown = [name for name in self._columns if name not in COLUMNS]
        missing = sorted(_REQUIRED - set(self._columns))
        if unknown:
            raise MeterhouseError(f"{origin}: columns: expected {', '.join(COLUMNS)}, found {unknown[0]!r}")
        if missing or not {"mode", "misc_attributes"} & set(self._columns):
            wanted = ", ".join(missing or ["mode or misc_attributes"])
            raise MeterhouseError(
                f"{origin}: columns: expected the list's order with {wanted} in it, found {columns or 'none'}"
            )
        self._left = b""

    def lines(self, data: bytes) -> bytes:
        """The lines of all records that are complete with `data`."""
        *lines, self._left = (self._left + data).split(b"\n")
        made = [self._line(line) for line in lines]
        if len(self._left) > LONGEST_RECORD:
            made.append(unusable("", "a shorter line", "a long one", self._left[:80]))
            self._left = b""
        return b"".join(made)

    def rest(self) -> bytes:
        """What was left when there was no more."""
        return self._left

    def _line(self, line: bytes) -> bytes:
        said, mark, path = line.partition(b" -- ")
        words = said.decode("utf-8", "replace").split()
        if not mark or len(words) < 3:
            return unusable("", "inode, generation, snapshot, columns, -- and a path", "something else", line)
        values: dict[str, str] = {}
        position = 3
        for column in self._columns:
            if position >= len(words):
                return unusable(column, "a value", "the end of the columns", line)
            values[column] = words[position]
            position += 1
            if column.endswith("_time") and "-" in values[column][1:] and position < len(words):
                values[column] += f" {words[position]}"  # a day, and then the time
                position += 1
        if position != len(words):
            return unusable("", f"{len(self._columns)} declared columns", "more", line)
        try:
            times = [
                _seconds(values.get(name, "0"))
                for name in ("access_time", "modification_time", "change_time")
            ]
            allocated = int(values.get("kb_allocated", "0")) * 1024
        except ValueError:
            return unusable("", "seconds or YYYY-MM-DD HH:MM:SS, and KiB", "something else", line)
        kind = _type(values)
        if kind is None:
            return unusable("mode", "a mode as ls -l shows it", values.get("mode", ""), line)
        size, uid, gid = (values[name].encode() for name in ("file_size", "user_id", "group_id"))
        links = values.get("nlink", "1").encode()
        numbers = (size, uid, gid, *times, words[0].encode(), links, 0, allocated)
        return line_of(unquote_to_bytes(path), numbers, kind)


def _type(values: dict[str, str]) -> bytes | None:
    if "mode" in values:
        return _TYPES.get(values["mode"][:1])
    letters = values["misc_attributes"].upper()
    return b"d" if "D" in letters else b"l" if "L" in letters else b"f" if "F" in letters else b"X"


def _seconds(text: str) -> int:
    """Seconds since 1970 of a number, or of a day and time in UTC."""
    if text.lstrip("-").partition(".")[0].isdigit():
        return int(text.partition(".")[0])
    moment = datetime.fromisoformat(text)
    return int((moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH).total_seconds() // 1)
