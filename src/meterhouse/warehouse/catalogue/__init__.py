"""Which files, batches, snapshots and coverage are there? The warehouse's catalogue, kept in the register."""
