"""`meterhouse log`"""


def log() -> None:
    """To come."""
