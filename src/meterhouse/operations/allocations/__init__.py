"""What does a site do with its ledger? Charges it from its own usage, and tells people what runs out."""
