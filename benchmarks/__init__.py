"""Measurements of the whole product; each module runs as ``python -m benchmarks.NAME``."""
