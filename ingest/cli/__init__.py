"""The command line ``ingest``; nothing heavy is imported before a command runs."""

from ingest.cli.app import main

__all__ = ["main"]
