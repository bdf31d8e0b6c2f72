"""Who may log in, and as what? Roles, API tokens and the audit log beside Django's users."""
