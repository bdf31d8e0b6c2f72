"""Which data tables drive the rules: event vocabulary, event rules, states, meters and groupings."""
