"""Does `meterhouse users` change what an account sees, and end its tokens?"""

from __future__ import annotations

import json
import subprocess

from served import METERHOUSE, Served


def users(strict: Served, *words: str) -> str:
    done = subprocess.run(
        [METERHOUSE, "--site", str(strict.folder), "users", *words],
        capture_output=True,
        text=True,
        input="x" * 20,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_account_is_changed_and_its_token_revoked(strict: Served) -> None:
    users(strict, "add", "dee", "--role", "user", "--person", "bea")
    token = users(strict, "token", "dee", "--scope", "directory").strip()
    asking = Served(strict.url, strict.folder, {"dee": token}, {})
    assert [row["code"] for row in asking.ask("dee", "projects").json()["rows"]] == ["waves"]
    users(strict, "change", "dee", "--role", "institution", "--institution", "Northfield")
    assert len(asking.ask("dee", "projects").json()["rows"]) == 3
    (kept,) = json.loads(users(strict, "tokens", "dee", "--format", "json"))
    assert token not in json.dumps(kept)
    users(strict, "revoke", "dee", str(kept["number"]))
    assert asking.ask("dee", "projects").status_code == 401
