"""`meterhouse dump`"""


def dump() -> None:
    """To come."""
