"""Simulated providers: real HTTP servers that keep the vendors' contracts, limits and faults."""
