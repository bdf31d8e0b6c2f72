"""How much may they use, and what is left? The ledger of allocations.

`rules/` decides and knows no database; `register/` keeps what was decided; `file/` reads what people
write down; the modules beside them put the three together.
"""
