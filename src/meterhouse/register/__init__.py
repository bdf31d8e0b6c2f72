"""Where are decisions and reference data kept? The register: one relational database for each site.

`open_register(where)` gives a `Register` with the alias of its database in `django.db.connections`.
Importing `meterhouse.register.configured` makes Django's models importable without a project folder.
"""
