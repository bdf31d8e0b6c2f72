"""Run as a program: make accounts of each role on the demonstration site."""

from __future__ import annotations

import sys

from served import PASSWORD

from meterhouse.web.configured import configure

# Account: role and what it is tied to.
ACCOUNTS = {
    "grace": ("administrator", {}),
    "staff": ("staff", {}),
    "okafor": ("user", {"person": "aokafor"}),
    "yamada": ("user", {"person": "eyamada"}),
    "harbour": ("institution", {"institution": "Harbour Institute of Marine Science"}),
    "newcomer": ("user", {}),
}

with configure(sys.argv[1]):
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    from meterhouse.web.accounts.granting import add_account

    PBKDF2PasswordHasher.iterations = 1000
    for name, (role, tied) in ACCOUNTS.items():
        add_account(name, PASSWORD, role, email=f"{name}@example.org", **tied)
