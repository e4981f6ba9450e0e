"""``ingest demo``: a temporary system that shows the whole product."""
