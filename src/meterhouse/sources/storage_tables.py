"""What do samples of stored bytes look like?"""

from __future__ import annotations

from meterhouse.sources.raw_table import INT, TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    raw_table(
        "storage_usage",
        "dt",
        "What each user keeps on each mountpoint: Open XDMoD's storage JSON",
        mountpoint=TEXT,
        user=TEXT,
        pi=TEXT,
        dt=TIME,
        file_count=INT,
        logical_usage=INT,  # bytes
        physical_usage=INT,  # bytes; null: not said
        soft_threshold=INT,  # bytes; 0: none
        hard_threshold=INT,  # bytes; 0: none
    ),
]
