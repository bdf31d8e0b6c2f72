"""What is kept of what portals and identity providers said? Every record, as it was said."""

from __future__ import annotations

from meterhouse.sources.raw_table import TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    raw_table(
        "directory_record",
        "said_at",
        "Records of ColdFront, Keycloak, LDAP, Slurm's associations and directory files, as they were said.",
        source=TEXT,
        kind=TEXT,
        external_id=TEXT,
        said=TEXT,
        said_at=TIME,
    ),
]
