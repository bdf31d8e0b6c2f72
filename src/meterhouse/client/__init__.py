"""How does a program ask a Meterhouse site? With `Client`: answers are Arrow tables or data frames."""

from meterhouse.client.answers import Frame
from meterhouse.client.client import Client
from meterhouse.client.errors import ApiError, NotAllowed, NotThere, RefusedQuestion, Unavailable

__all__ = [
    "ApiError",
    "Client",
    "Frame",
    "NotAllowed",
    "NotThere",
    "RefusedQuestion",
    "Unavailable",
]
