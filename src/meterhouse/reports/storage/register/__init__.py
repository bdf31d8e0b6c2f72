"""What is kept of reports on file systems, and what people decided about directories?"""
