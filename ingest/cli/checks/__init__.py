"""The checks behind ``ingest doctor``."""
