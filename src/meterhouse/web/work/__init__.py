"""What takes too long for a request? Reports and exports, made in the background and fetched when ready."""
