"""What do people read? Monthly reports, the transaction log and dumps."""
