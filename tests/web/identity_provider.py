"""An identity provider as far as tests need one: it logs in whoever the test says, and signs tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET, AUDIENCE = "meterhouse", "the secret of a test", "https://meterhouse.example/api"


class IdentityProvider:
    """Its address, what it says of whom (`claims` is of the next log-in), and the keys that it publishes."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.claims: dict[str, Any] = {}
        self.keys = [RSAKey.generate_key(2048, {"kid": "first"})]
        self.asked: list[str] = []
        self.is_down = False
        self._codes: dict[str, dict[str, Any]] = {}

    def token(self, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token for the API, as it should be unless told otherwise; a claim that is None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        said = {"iss": self.issuer, "aud": AUDIENCE, "sub": "batch", "iat": now, "exp": now + 300}
        said |= {"scope": "openid meterhouse.usage meterhouse.records"} | claims
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": key.kid, **(header or {})}, kept, key)

    def answer(self, path: str, query: dict[str, str], form: dict[str, str], bearer: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.is_down:
            return 500, {"error": "down"}
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        if path == "/keys":
            return 200, {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in self.keys]}
        if path == "/authorize":
            code = secrets.token_hex(8)
            self._codes[code] = {**query, "claims": dict(self.claims)}
            return 302, f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"
        if path == "/token":
            known = self._codes.pop(form.get("code", ""), None)
            challenge = base64.urlsafe_b64encode(
                hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            ).decode()
            if known is None or known["code_challenge"] != challenge.rstrip("="):
                return 400, {"error": "invalid_grant"}
            access = secrets.token_hex(8)
            self._codes[access] = known
            return 200, {
                "access_token": access,
                "token_type": "Bearer",
                "id_token": self.token(aud=CLIENT, sub=known["claims"]["sub"]),
            }
        if path == "/userinfo" and bearer in self._codes:
            return 200, self._codes[bearer]["claims"]
        return 404, {"error": "not found"}


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider on a free port of this machine."""

    class Asked(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, content = provider.answer(parts.path, query, form, bearer)
            body = b"" if status == 302 else json.dumps(content).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    provider = IdentityProvider(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
