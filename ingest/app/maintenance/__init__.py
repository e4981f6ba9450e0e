"""Periodic duties of a running system, one file each, and the runner that does those it holds."""
