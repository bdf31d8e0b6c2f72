"""What does the server call? The WSGI application of the site that METERHOUSE_SITE names."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from whitenoise import WhiteNoise

from meterhouse.web.configured import configure
from meterhouse.web.serving import serve_site
from meterhouse.web.settings import ADMIN_STATIC_PACKAGES, STATIC_FOLDER
from meterhouse.web.unread import nothing_unread


def _application() -> Any:
    serve_site(configure(os.environ["METERHOUSE_SITE"]))
    from django.conf import settings
    from django.core.handlers.wsgi import WSGIHandler

    from meterhouse.web.warming import keep_warm

    keep_warm()

    served = WhiteNoise(
        WSGIHandler(),
        root=STATIC_FOLDER,
        prefix=settings.STATIC_URL,
        immutable_file_test=lambda path, url: True,  # the content is part of the address
        add_headers_function=_headers,
    )
    for package in ADMIN_STATIC_PACKAGES:
        served.add_files(str(files(package) / "static"), prefix=settings.STATIC_URL)
    return nothing_unread(served)


def _headers(headers: Any, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


application = _application()
