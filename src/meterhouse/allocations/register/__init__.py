"""Where does the register keep the ledger? Django models, and how rows become the rules' records."""
