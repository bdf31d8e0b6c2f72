"""Which file classes and ages are told apart? Data files that a site may replace."""
