"""What does the OpenAPI document say beyond parameters? Formats, columns, headers, and how one logs in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa

from meterhouse.web.api.formats import MEDIA_TYPES, Columns
from meterhouse.web.api.problems import MEDIA_TYPE
from meterhouse.web.api.schemas import Page, ProblemDocument

_REFUSALS = (400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429)
# Responses as operations declare them; what each really can answer is sorted out by `completed`.
PROBLEMS: dict[int, Any] = dict.fromkeys(_REFUSALS, ProblemDocument)
ANSWERS: dict[int, Any] = {200: Page, **PROBLEMS}
FILE: dict[int, Any] = {200: None, **PROBLEMS}

_ROWS: dict[str, dict[str, Any]] = {}
_View = TypeVar("_View", bound=Callable[..., Any])
_BYTES = {"schema": {"type": "string", "format": "binary"}}


def answers(columns: Columns, optional: Iterable[str] = ()) -> Callable[[_View], _View]:
    """Say which columns the rows of an operation have; the optional ones aren't there for everybody."""

    def said(view: _View) -> _View:
        left_out = set(optional)
        _ROWS[view.__name__] = {
            "type": "object",
            "properties": {name: _type(type_) for name, type_ in columns.items()},
            "required": [name for name in columns if name not in left_out],
            "additionalProperties": False,
        }
        return view

    return said


def _type(type_: pa.DataType) -> dict[str, Any]:
    if pa.types.is_boolean(type_):
        return {"type": ["boolean", "null"]}
    if pa.types.is_integer(type_):
        return {"type": ["integer", "null"]}
    if pa.types.is_timestamp(type_):
        return {"type": ["string", "null"], "format": "date-time"}
    if pa.types.is_date(type_):
        return {"type": ["string", "null"], "format": "date"}
    return {"type": ["string", "null"]}  # exact decimals, too


def completed(document: Any) -> Any:
    """The document as Django Ninja makes it, with what it can't know."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(path, method, operation)
    document["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": "meterhouse_session"},
    }
    document["security"] = [{"token": []}, {"session": []}]
    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    operation.pop("security", None)
    responses = {int(status): one for status, one in operation["responses"].items()}
    name = operation["operationId"].rpartition("_")[2]
    possible = {400, 401, 403, 405, 406, 429}
    if "{" in path:
        possible |= {404, 400}
    if method == "post":
        possible |= {413, 415, 422}
    good = next(status for status in responses if status < 400)
    answer = responses[good]
    rows = "Page" in str(answer)
    if rows:
        _page(answer, operation["operationId"].rsplit("api_", 1)[-1])
        possible |= {409}
        responses[304] = {"description": "It hasn't changed.", "headers": {"ETag": _header("string")}}
    if name == "file":
        answer["content"] = {"*/*": {}}
        answer["description"] = "The file."
        answer["headers"] = {"ETag": _header("string"), "Content-Disposition": _header("string")}
        responses[304] = {"description": "It hasn't changed.", "headers": {"ETag": _header("string")}}
        possible |= {409}
    if good == 202:
        answer["headers"] = {"Location": _header("string", "where to ask how far it is")}
    if not rows and name != "file":
        possible -= {406}
    kept = {status: one for status, one in responses.items() if status < 400}
    for status in sorted(possible):
        kept[status] = {
            "description": "A problem.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
        }
    kept[401]["headers"] = {"WWW-Authenticate": _header("string")}
    kept[429]["headers"] = {"Retry-After": _header("integer", "seconds to wait")}
    kept[405]["headers"] = {"Allow": _header("string")}
    operation["responses"] = {str(status): kept[status] for status in sorted(kept)}


def _page(answer: dict[str, Any], name: str) -> None:
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Page"}
    for view, columns in _ROWS.items():
        if name.endswith(f"_{view}"):
            schema = {
                "type": "object",
                "properties": {
                    "rows": {"type": "array", "items": columns},
                    "next": {"type": ["string", "null"]},
                    "snapshot": {"type": "integer"},
                },
                "required": ["rows", "next", "snapshot"],
            }
    answer["description"] = "Rows; in other formats than JSON the address of the next page is a header."
    answer["content"] = {MEDIA_TYPES["json"]: {"schema": schema}} | {
        media: _BYTES for form, media in MEDIA_TYPES.items() if form != "json"
    }
    answer["headers"] = {
        "ETag": _header("string"),
        "Link": _header("string", "the next page, where there is one"),
        "Meterhouse-Snapshot": _header("integer", "of the warehouse"),
    }


def _header(type_: str, said: str = "") -> dict[str, Any]:
    return {"schema": {"type": type_}} | ({"description": said} if said else {})
