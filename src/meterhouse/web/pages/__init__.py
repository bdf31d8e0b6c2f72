"""What does a person read in a browser? A module for each page; templates say how it looks."""
