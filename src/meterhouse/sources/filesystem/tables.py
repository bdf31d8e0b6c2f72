"""What do scans and quotas of file systems look like?

Paths are text in which `\\xNN` stands for a byte that is no UTF-8, for a control character, and for the
backslash itself (`\\x5c`): see `path_text`, which turns bytes into text and back without loss.

Rows of `filesystem_usage` and `filesystem_directory` are additive: a key may come in several rows (a walk
may come back to a directory). Add up bytes and counts; take the least `oldest_access` and the greatest
`newest_modification`. An amount that no row of a key says (null) is no data, not zero.
"""

from __future__ import annotations

from meterhouse.sources.raw_table import BOOL, INT, TEXT, TIME, RawTable, raw_table

_SCAN = {
    "volume": TEXT,  # the volume's name, as `ingest scan --volume` says it
    "scanned_at": TIME,  # when the scan was made; `filesystem_scan.time_from` says how that is known
}
_USAGE = raw_table(
    "filesystem_usage",
    "scanned_at",
    "What a scan says of a volume by owner, file class, age and directory. Each name is in exactly one row:"
    " its directory's own, or, below the depth that is told apart, that of the last ancestor that is",
    **_SCAN,
    directory=TEXT,  # absolute path, without a slash at its end; "/" is the root
    depth=INT,  # components of `directory`: 0 is "/", 3 is "/lustre/scratch119/projects"
    gid=INT,  # unix group id
    group_name=TEXT,  # its name in the group file that was given; null: not known
    uid=INT,
    user_name=TEXT,  # the login in the passwd file that was given; null: not known
    # A class of catalogue/file_classes.csv for regular files, "other" when none fits;
    # "directory", "link" (symbolic) and "special" (everything else) for what is no regular file.
    file_class=TEXT,
    # Age when scanned, as the least number of days of its bucket (catalogue/age_buckets.csv): 0, 30, 60 ...
    # Null: the time lies in the future or before 1970, or isn't told.
    access_age_days=INT,
    modification_age_days=INT,
    # Each inode once a scan, as `du --apparent-size` counts: at the first of its names that the scan tells.
    apparent_bytes=INT,
    allocated_bytes=INT,  # the same of what is taken on disk; null: the format doesn't say it
    # size // number of hard links, of every name: fair between directories, and what the replaced pipeline
    # calls usage. Also directories are divided by their number of links, as there.
    shared_bytes=INT,
    # Apparent size of further names of inodes that are counted already: with `apparent_bytes` it adds up
    # to every name in full.
    repeated_bytes=INT,
    files=INT,  # names of regular files
    directories=INT,  # directories, each in the row of its own path
    others=INT,  # names of symbolic links, sockets, pipes, devices
    inodes=INT,  # names of all types, each inode once: what an inode quota counts
    oldest_access=TIME,  # of regular files only: reading a tree touches directories; null: no usable time
    newest_modification=TIME,  # of all names in the row; null: no usable time
)

_OWNER_AND_AMOUNTS = {
    field.name: field.type
    for field in _USAGE.schema
    if field.name in ("gid", "group_name", "uid", "user_name")
    or field.name in _USAGE.schema.names[_USAGE.schema.names.index("apparent_bytes") : -1]
}

TABLES: list[RawTable] = [
    _USAGE,
    raw_table(
        "filesystem_directory",
        "scanned_at",
        "What a scan says of every directory, at every depth, by owner: the directory and all below it."
        " Rows of a directory contain those of its subdirectories: never add up different directories."
        " Columns as in filesystem_usage",
        **_SCAN,
        directory=TEXT,
        depth=INT,
        **_OWNER_AND_AMOUNTS,
    ),
    raw_table(
        "filesystem_scan",
        "scanned_at",
        "Which volumes were scanned when, how completely, and what could not be used",
        **_SCAN,
        time_from=TEXT,  # "declared", "file name", "file changed" or "scanner"
        complete=BOOL,  # false: nothing of it is in the other tables
        reason=TEXT,  # why it is incomplete, in words; else null
        format=TEXT,  # mpistat, wrstat, find, gpfs-list, gufi-trace
        files_read=TEXT,  # JSON list of the files' names
        top=TEXT,  # path of the volume's top directory
        depth=INT,  # to how many components directories are told apart in filesystem_usage
        # What the format's size is: "apparent", "apparent and allocated", or "smaller of both" (mpistat).
        size_is=TEXT,
        lines=INT,  # all that were read, bad ones included
        bad_lines=INT,  # exact, also where fewer are kept as rejections
        unlinked=INT,  # names with no hard link left: being deleted, counted nowhere else
        future_accesses=INT,  # times after `scanned_at`: ignored
        future_modifications=INT,
        early_times=INT,  # access and modification times before 1970: ignored
        links_not_followed=INT,  # names of hard-linked inodes counted by shares: too many open at once
        unreadable=INT,  # directories and files that the scanner could not read; null: the format can't say
        files=INT,
        directories=INT,
        others=INT,
        apparent_bytes=INT,  # null: more than 64 bits hold; `extra` says it
        allocated_bytes=INT,
    ),
    raw_table(
        "filesystem_quota",
        "observed_at",
        "Quotas of a volume's groups, users and projects, with what the file system itself counts as used",
        volume=TEXT,
        observed_at=TIME,
        format=TEXT,  # lfs-quota, mmrepquota, repquota, zfs-userspace, group-limit
        owner_kind=TEXT,  # "group", "user" or "project" (fileset, project id)
        owner_id=INT,  # numeric id where the source says one
        owner_name=TEXT,  # name where it says one
        used_bytes=INT,
        # Limits: 0 is "no limit", as the source says it; null is "not said".
        soft_bytes=INT,
        hard_bytes=INT,
        used_inodes=INT,
        soft_inodes=INT,
        hard_inodes=INT,
        grace=TEXT,  # as said
        mountpoint=TEXT,  # the volume's path in the settings; null: not declared
    ),
    raw_table(
        "filesystem_entry",
        "scanned_at",
        "The rows of a scan themselves, sorted by path: kept by option, for questions that nobody foresaw",
        **_SCAN,
        path=TEXT,
        size=INT,
        allocated=INT,  # bytes on disk; null: the format doesn't say
        uid=INT,
        gid=INT,
        accessed_at=INT,  # times in seconds since 1970, as told
        modified_at=INT,
        changed_at=INT,
        type=TEXT,  # f d l s b c F X
        inode=INT,
        links=INT,
        device=INT,
    ),
]
