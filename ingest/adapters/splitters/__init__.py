"""Splitters: cut texts into passages."""
