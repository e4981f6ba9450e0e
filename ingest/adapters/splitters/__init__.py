"""Splitters: text into passages."""
