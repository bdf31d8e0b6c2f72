"""What may a page load and do in a browser? Its own files, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from meterhouse.web.serving import served_site

# Nothing inline and nothing from elsewhere: a name that turned into markup could still not run.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
)

# Below /admin/ alone, where staff is: Unfold sets its colours inline, and Alpine.js makes functions of the
# attributes of its templates. Inline scripts and anything from elsewhere stay forbidden there, too.
ADMIN = "/admin/"
_OF_ADMIN = (
    ("script-src 'self'", "script-src 'self' 'unsafe-eval'"),
    ("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
)


def protected(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the headers that every answer carries."""
    # Logging in by a provider is a form that leads there.
    origins = {urlsplit(one.issuer) for one in served_site().settings.web.providers}
    forms = ["'self'", *sorted(f"{one.scheme}://{one.netloc}" for one in origins)]
    policy = admin_policy = POLICY.format(forms=" ".join(forms))
    for strict, wider in _OF_ADMIN:
        admin_policy = admin_policy.replace(strict, wider)

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers["Content-Security-Policy"] = (
            admin_policy if request.path.startswith(ADMIN) else policy
        )
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        # What is shown to one person is kept by nobody else.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return answer
