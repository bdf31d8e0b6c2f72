"""What does a browser or a program see? Pages, the REST API, log-in, and who may see which rows."""
