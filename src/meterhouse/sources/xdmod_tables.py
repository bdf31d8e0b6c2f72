"""What do rows of Open XDMoD's CSV imports look like?"""

from __future__ import annotations

from meterhouse.sources.raw_table import TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    raw_table(
        "xdmod_name",
        "imported_at",
        "People: Open XDMoD's names.csv (username, first name, last name, organization)",
        imported_at=TIME,
        username=TEXT,
        first_name=TEXT,
        last_name=TEXT,
        organization=TEXT,
    ),
    raw_table(
        "xdmod_hierarchy",
        "imported_at",
        "Three levels of fields of science: Open XDMoD's hierarchy.csv",
        imported_at=TIME,
        abbreviation=TEXT,
        description=TEXT,
        parent=TEXT,
    ),
    raw_table(
        "xdmod_group_hierarchy",
        "imported_at",
        "Which field a PI's group belongs to: Open XDMoD's group-to-hierarchy.csv",
        imported_at=TIME,
        group_name=TEXT,
        abbreviation=TEXT,
    ),
    raw_table(
        "xdmod_cloud_project",
        "imported_at",
        "Which PI a cloud project belongs to: Open XDMoD's cloud-project-to-pi CSV",
        imported_at=TIME,
        pi=TEXT,
        project_name=TEXT,
        cloud=TEXT,  # the resource's name, as the file says it
    ),
]
