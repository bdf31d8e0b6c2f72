"""What does the directory keep in the register? Its Django app: models and migrations."""
