"""Slurm: what its accounting says of jobs."""
