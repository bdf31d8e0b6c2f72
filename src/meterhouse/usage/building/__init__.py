"""How spans, daily usage and levels are made: the models, and the full and the incremental way."""
