"""From which address does a request come? From the proxy's word where the site believes that proxy."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from meterhouse.web.serving import served_site

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def with_client_address(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: REMOTE_ADDR is the client's from here on."""
    proxies = [ipaddress.ip_network(one) for one in served_site().settings.web.proxies]

    def answer(request: HttpRequest) -> HttpResponse:
        peer = _read(str(request.META.get("REMOTE_ADDR", "")))
        # From the last proxy backwards: what stands before the first that isn't ours may be invented.
        named = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        while peer is not None and named and any(peer in network for network in proxies):
            before = _read(named.pop())
            if before is None:
                break
            peer = before
        if peer is not None:
            request.META["REMOTE_ADDR"] = str(peer)
        return get_response(request)

    return answer


def _read(text: str) -> _Address | None:
    try:
        return ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
