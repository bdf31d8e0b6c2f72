"""What do people write down to set up the ledger? One vocabulary for TOML, JSON, CSV and cases."""
