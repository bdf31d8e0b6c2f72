"""Run as a program: print every address and method that the site in a folder serves, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from meterhouse.web.configured import configure
from meterhouse.web.serving import serve_site

API = "api/v1/"


def pages(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Addresses outside the API."""
    for one in patterns:
        address = before + str(one.pattern)
        if address.startswith(API):
            continue
        if hasattr(one, "url_patterns"):
            yield from pages(one.url_patterns, address)
        else:
            yield address


if __name__ == "__main__":
    with configure(sys.argv[1]) as site:
        serve_site(site)
        from meterhouse.web.api.api import api
        from meterhouse.web.urls import urlpatterns

        operations = [
            f"{method} {address.removeprefix('/' + API)}"
            for address, methods in api.get_openapi_schema()["paths"].items()
            for method in methods
        ]
        print(json.dumps({"pages": sorted(pages(urlpatterns)), "operations": sorted(operations)}))
