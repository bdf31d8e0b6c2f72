"""`meterhouse demo`"""


def demo() -> None:
    """To come."""
