"""`meterhouse collect`"""


def collect() -> None:
    """To come."""
