"""Run as a program: make an account for each role on a site, and print a token of each as JSON."""

from __future__ import annotations

import json
import sys

from meterhouse.web.configured import configure

with configure(sys.argv[1]):
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    from meterhouse.web.accounts.granting import SCOPES, add_account, give_token

    PBKDF2PasswordHasher.iterations = 1000  # seven real ones take seconds
    PASSWORD = "correct horse battery"
    tokens = {}
    for name, role, tied in (
        ("unlinked", "user", {}),
        ("member", "user", {"person": "cyd"}),
        ("pi", "user", {"person": "ada"}),
        ("northfield", "institution", {"institution": "Northfield"}),
        ("harbour", "institution", {"institution": "Harbour"}),
        ("staff", "staff", {}),
        ("administrator", "administrator", {}),
    ):
        add_account(name, PASSWORD, role, email=f"{name}@example.org", **tied)
        tokens[name] = give_token(name, "test", sorted(SCOPES), 1)
    tokens["usage only"] = give_token("staff", "narrow", ["usage"], 1)
    print(json.dumps(tokens))
