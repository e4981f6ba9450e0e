"""Readers of the local parser, one file for each format."""
