"""What does somebody want to see again? Questions and dashboards, kept for each account."""
