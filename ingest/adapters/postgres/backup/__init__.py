"""Dump and restore of the database."""
