"""How does a process get Django for pages? By naming its site, once, before any model is imported."""

from __future__ import annotations

import hashlib
import os
import secrets
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from meterhouse.errors import ConfigurationError
from meterhouse.register.address import read_address
from meterhouse.site import Site

_KEY_FILE = ".web-key"
# Opening the register takes longer than most of what a page asks it.
_KEPT_OPEN = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
# Of web.accounts.shared, which can't be imported before Django is set up.
FILE, IN_REGISTER = ".web-shared.sqlite3", "register"


def configure(path: Path | str) -> Site:
    """Set Django up for the site in `path` and return it, its register with the tables of log-in.

    Its register is also the default database. A process serves one site.
    """
    from meterhouse.web import settings

    if django_settings.configured:
        raise ConfigurationError("web: expected a process of its own, found Django set up already")
    site = Site.open(path)
    section = site.settings.register_
    where = section.with_password_reference(site.path) if "://" in section.url else site.path / section.url
    values = {name: getattr(settings, name) for name in dir(settings) if name.isupper()}
    values["DATABASES"] = {"default": read_address(where).settings | _KEPT_OPEN}
    values["SECRET_KEY"] = _key(site.path)
    in_file = values["DATABASES"]["default"]["ENGINE"].endswith("sqlite3")
    values["CACHES"] = {
        "default": values["CACHES"]["default"]
        | {"LOCATION": str(site.path / FILE) if in_file else IN_REGISTER}
    }
    values["STATIC_URL"] = f"/static/{static_version(settings.STATIC_FOLDER)}/"
    address = urlsplit(site.settings.web.url)
    values["ALLOWED_HOSTS"] = sorted({address.hostname or "localhost", "localhost", "127.0.0.1", "[::1]"})
    values["CSRF_TRUSTED_ORIGINS"] = [f"{address.scheme}://{address.netloc}"]
    if address.scheme == "https":
        values |= {
            "SESSION_COOKIE_SECURE": True,
            "CSRF_COOKIE_SECURE": True,
            "SECURE_HSTS_SECONDS": 31_536_000,
            # The proxy in front sets it; without it every form would look like one from elsewhere.
            "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
        }
    django_settings.configure(**values)
    from django.db import connections

    import meterhouse.register.configured  # noqa: F401

    connections.databases[site.register.alias] |= _KEPT_OPEN  # opened and brought up to date by now
    return site


def static_version(folder: Path) -> str:
    """A name for what the static files are: it is in their address, so that browsers may keep them."""
    content = hashlib.sha256()
    for package in ("django", "django-unfold", "django-import-export"):  # the admin's come with these
        content.update(version(package).encode())
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return content.hexdigest()[:12]


def _key(site: Path) -> str:
    """What signs sessions: made when it is first needed, readable by the site's owner alone."""
    path = site / _KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_text(encoding="ascii").strip()
        if len(key) < 50:
            raise ConfigurationError(f"{path}: expected a key of 50 characters or more") from None
        return key
    key = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
