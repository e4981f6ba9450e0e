"""Runs a backfill: dry run, progress, the run itself, and its summary."""
