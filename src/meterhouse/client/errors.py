"""What went wrong at the other side? An error for each way in which a program would go on differently."""

from __future__ import annotations

import httpx


class ApiError(Exception):
    """The site refused, and said why. Never carries the token."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}" if status else detail)
        self.status = status
        self.detail = detail


class RefusedQuestion(ApiError):
    """The question can't be answered as it is asked."""


class NotAllowed(ApiError):
    """The token isn't known, is over, or isn't good for that."""


class NotThere(ApiError):
    """There is no such thing that this account may see."""


class Unavailable(ApiError):
    """The site can't be reached, is too busy, or failed, also when it was asked again."""


def error_of(answer: httpx.Response) -> ApiError:
    """The error that an answer stands for."""
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = answer.reason_phrase or "no reason given"
    kind = {401: NotAllowed, 403: NotAllowed, 404: NotThere, 409: RefusedQuestion, 429: Unavailable}.get(
        answer.status_code, Unavailable if answer.status_code >= 500 else RefusedQuestion
    )
    return kind(answer.status_code, detail)
