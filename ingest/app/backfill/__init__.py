"""Backfills: registering many objects, and reprocessing documents."""
