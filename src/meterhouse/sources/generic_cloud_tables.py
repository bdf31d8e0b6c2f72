"""What do generic cloud events look like?"""

from __future__ import annotations

from meterhouse.sources.raw_table import INT, TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    raw_table(
        "generic_cloud_event",
        "event_time",
        "Generic cloud events: JSON lines as Open XDMoD's genericcloud format has them",
        instance_id=TEXT,
        account=TEXT,
        event_type=TEXT,
        event_time=TIME,
        record_type=TEXT,
        event_data=TEXT,
        image_type=TEXT,
        root_type=TEXT,
        node_controller=TEXT,
        public_ip=TEXT,
        private_ip=TEXT,
        instance_type=TEXT,
        cpu=INT,
        memory=INT,  # MB
        disk=INT,  # GB
        user=TEXT,  # of the first block device that names one
        block_devices=TEXT,  # JSON text
    )
]
