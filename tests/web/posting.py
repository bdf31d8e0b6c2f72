"""How does a test send a form? With the token of the page on which it stands."""

from __future__ import annotations

from typing import Any

import httpx


def post(browser: httpx.Client, page: str, action: str, **fields: Any) -> httpx.Response:
    """Send fields to `action` as the form on `page` would."""
    token = browser.get(page).text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    sent = {"csrfmiddlewaretoken": token, **fields}
    return browser.post(action, data=sent, headers={"Referer": str(browser.base_url)})
