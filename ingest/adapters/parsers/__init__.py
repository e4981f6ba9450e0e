"""Parsers: the local one, and LlamaParse."""
