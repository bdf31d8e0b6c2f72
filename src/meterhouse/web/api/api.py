"""What does the REST API answer? Each operation asks what a command asks, within what the asker may see."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from meterhouse.errors import MeterhouseError
from meterhouse.web.accounts.machine_tokens import ProviderNotReached
from meterhouse.web.api import allocations, catalogue, directory, me, usage, work
from meterhouse.web.api.askers import TokenOrSession
from meterhouse.web.api.document import completed
from meterhouse.web.api.problems import Problem, problem, unforeseen
from meterhouse.web.rights import Forbidden
from meterhouse.web.work.requests import NotReady, NotThere, TooMany


class Api(NinjaAPI):
    """An API whose OpenAPI document also says what Django Ninja can't know."""

    def get_openapi_schema(self, **given: Any) -> OpenAPISchema:
        return completed(super().get_openapi_schema(**given))  # type: ignore[no-any-return]


api = Api(
    title="Meterhouse",
    version="1",
    description="The accounts of a research computing centre. Everyone gets the rows that they may see.",
    auth=TokenOrSession(),
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)
for part in (me, catalogue, usage, directory, allocations, work):
    api.add_router("", part.router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem(error.status, error.detail, error.retry_after)


@api.exception_handler(Forbidden)
def _forbidden(request: HttpRequest, error: Forbidden) -> HttpResponse:
    return problem(403, str(error))


@api.exception_handler(NotThere)
def _not_there(request: HttpRequest, error: NotThere) -> HttpResponse:
    return problem(404, str(error))


@api.exception_handler(NotReady)
def _not_ready(request: HttpRequest, error: NotReady) -> HttpResponse:
    return problem(409, str(error))


@api.exception_handler(ProviderNotReached)
def _not_reached(request: HttpRequest, error: ProviderNotReached) -> HttpResponse:
    return problem(503, str(error), 30)


@api.exception_handler(TooMany)
def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    return problem(429, str(error), 60)


@api.exception_handler(MeterhouseError)
def _mistake(request: HttpRequest, error: MeterhouseError) -> HttpResponse:
    return problem(422 if request.method == "POST" else 400, str(error))


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "expected a token that is known and not over, or a session")


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:
    found = [f"{one['loc'][-1]}: {one['msg']}" for one in error.errors]
    in_body = any(one["loc"][0] == "body" for one in error.errors)
    return problem(422 if in_body else 400, "; ".join(found))


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(SuspiciousOperation)
def _suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
    return problem(400, "the request can't be read")


api.add_exception_handler(Exception, unforeseen)
