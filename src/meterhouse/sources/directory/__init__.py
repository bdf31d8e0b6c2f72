"""What do portals, identity providers and schedulers say about people and projects? One reader each."""
