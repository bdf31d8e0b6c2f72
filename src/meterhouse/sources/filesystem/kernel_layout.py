"""What do the kernel's arrays hold? Places in its integer arrays, by name; codes that it returns."""

from __future__ import annotations

from typing import Any, NamedTuple

# What a column of a line is; from SIZE on a number.
(
    TEXT,
    PATH,
    TYPE,
    SIZE,
    UID,
    GID,
    ACCESS,
    MODIFICATION,
    CHANGE,
    INODE,
    LINKS,
    DEVICE,
    ALLOCATED,
    BLOCKS,
    NUMBER,
) = range(15)
ROLES = 15

# How a path is written.
BASE64, QUOTED = range(2)

# settings
COLUMNS, PATH_MODE, SCANNED_AT, LIMIT, WANT_USAGE, WANT_DIRECTORIES, WANT_ENTRIES, HAS_ALLOCATED, KEEP_BAD = (
    range(9)
)
SETTINGS = 9

# counts: what was read, and where the kernel stands
(
    LINES,
    BAD_LINES,
    UNLINKED,
    FUTURE_ACCESSES,
    FUTURE_MODIFICATIONS,
    EARLY_TIMES,
    LINKS_NOT_FOLLOWED,
    FILES,
    DIRECTORIES,
    OTHERS,
    AT,  # next byte of the data
    PREVIOUS_AT,  # the path field of the last good line, as it stands in the data
    PREVIOUS_LENGTH,
    PREVIOUS_ESCAPE,  # first backslash in it
    PATH_LENGTH,  # of the last good line's path
    LEVEL,  # of its directory
    SPILL,  # a level with too many owners, to be emitted; -1: none
    BAD_KEPT,
    USAGE_CELLS,
    USAGE_DIRECTORIES,
    USAGE_TEXT,
    FREE_CELL,  # first of the free owner cells
    CELLS_USED,
    ROWS,
    ROW_DIRECTORIES,
    ROW_TEXT,
    ENTRIES,
    ENTRY_TEXT,
    LINKS_OPEN,
    DEVICES,
) = range(30)
COUNTS = 30

# columns of `levels`, a row a directory between the root and where the walk is
END, HEAD, OWNERS, CUT, USAGE_DIRECTORY, TEMPORARY = range(6)
LEVEL_COLUMNS = 6

# columns of amounts
(
    APPARENT,
    ALLOCATED_BYTES,
    SHARED,
    REPEATED,
    FILE_COUNT,
    DIRECTORY_COUNT,
    OTHER_COUNT,
    INODES,
    OLDEST_ACCESS,
    NEWEST_MODIFICATION,
) = range(10)
AMOUNTS = 10
NEVER_ACCESSED = (1 << 63) - 1
NEVER_MODIFIED = -(1 << 63)

# why the kernel returns
NEED_DATA, USAGE_FULL, ROWS_FULL, ENTRIES_FULL, LINKS_FULL = range(5)

# what is wrong with a line
(
    GOOD,
    NOT_BASE64,
    NOT_QUOTED,
    NOT_ABSOLUTE,
    NUL_IN_PATH,
    EMPTY_NAME,
    TOO_DEEP,
    NOT_A_NUMBER,
    NEGATIVE,
    TOO_LARGE,
    TOO_FEW_COLUMNS,
    TOO_MANY_COLUMNS,
    UNKNOWN_TYPE,
    TOO_LONG,
    SLASH_AFTER_FILE,
) = range(15)

# file classes that are not in the catalogue
NO_TIME = 15  # bucket of a time that can't be used
MOST_LEVELS = 16_384
LONGEST_LINE = 1 << 20
MOST_OWNERS = 256  # of one directory before its rows are emitted
EXCERPT = 160
MOST_USAGE_CELLS = 1 << 15
MOST_USAGE_DIRECTORIES = 1 << 15
MOST_USAGE_TEXT = 1 << 22
MOST_ROWS = 1 << 14
MOST_ROW_TEXT = 1 << 23
MOST_CELLS = 1 << 16
MOST_ENTRIES = 1 << 15
MOST_ENTRY_TEXT = 1 << 23
MOST_LINKS = 1 << 23


class State(NamedTuple):
    """All that the kernel knows, as arrays. Amounts are rows of AMOUNTS integers."""

    settings: Any  # int64[SETTINGS]
    roles: Any  # int64[columns]
    unread: Any  # bool[ROLES]: numbers that are looked at only to see whether they are some
    counts: Any  # int64[COUNTS]
    values: Any  # int64[ROLES]: fields of the line at hand
    amounts: Any  # int64[1, AMOUNTS]: what that line adds
    base64: Any  # uint32[4, 256]: six bits of each character in place
    base64_pairs: Any  # uint16[65536]: twelve bits of two characters, the first one lowest; else 0x8000
    ages: Any  # int64[buckets]: least age in seconds
    path: Any  # uint8: the last good line's path
    suffix: Any  # uint8: what differs in the one at hand
    levels: Any  # int64[MOST_LEVELS, LEVEL_COLUMNS]
    cell_owner: Any  # uint64: gid << 32 | uid, of owner cells of directories on the way
    cell_next: Any  # int64: the next cell of the directory, or the next free one
    cell_amounts: Any  # int64[MOST_CELLS, AMOUNTS]
    usage_slots: Any  # int32: hash table of usage cells, -1: free
    usage_place: Any  # uint64: directory << 32 | class << 8 | access bucket << 4 | modification bucket
    usage_owner: Any  # uint64
    usage_amounts: Any
    usage_directory_end: Any  # int64: ends of paths in usage_text
    usage_directory_depth: Any
    usage_text: Any  # uint8
    row_directory: Any  # int64: rows of directories that the walk has left
    row_owner: Any
    row_amounts: Any
    row_directory_end: Any
    row_directory_depth: Any
    row_text: Any
    entry_values: Any  # int64[MOST_ENTRIES, ROLES]
    entry_end: Any
    entry_text: Any
    link_inode: Any  # uint64: inodes with several names, of which some are still to come
    link_left: Any  # int64: device << 32 | names to come; 0: free
    devices: Any  # uint64: device numbers by place
    bad_line: Any  # int64
    bad_reason: Any
    bad_column: Any
    bad_length: Any
    bad_excerpt: Any  # uint8[KEEP_BAD, EXCERPT]
    suffix_words: Any  # uint64[slots, 2]: file name suffixes of up to 16 characters
    suffix_order: Any  # int64: place in the class table; -1: free slot
    name_words: Any  # uint64[n, 2]: names of directories of a class
    name_order: Any
    prefix_words: Any  # uint64[n, 2]: beginnings of file names
    prefix_first: Any  # bool[256]: whether a beginning has this first byte, in either case
    prefix_length: Any
    prefix_order: Any
    order_class: Any  # int64: class of each place in the class table
