"""By what is use told apart? Each grouping is an expression over rows of `filesystem_usage`."""

from __future__ import annotations

GROUPINGS = {
    "group": "COALESCE(group_name, CAST(gid AS VARCHAR))",
    "user": "COALESCE(user_name, CAST(uid AS VARCHAR))",
    "class": "file_class",
    "directory": "directory",
}


def grouping_sql(by: str) -> str:
    """The expression of a grouping that is known."""
    return GROUPINGS[by]
