"""Calls, parses and batches of providers, and what they cost."""
