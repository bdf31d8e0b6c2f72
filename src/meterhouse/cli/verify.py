"""`meterhouse verify`"""


def verify() -> None:
    """To come."""
