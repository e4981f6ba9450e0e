"""Periodic duties of a running system, one file each."""
