"""What does a program ask? The REST API, its formats, errors and paging."""
