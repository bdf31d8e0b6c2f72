"""How are scans of all volumes taken in by themselves? The newest complete one of each, several at once."""
