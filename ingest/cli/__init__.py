"""The command line ``ingest``; nothing heavy is imported before a command runs."""

from typing import NoReturn

from ingest.cli.app import main
from ingest.cli.process import end_with

__all__ = ["main", "run"]


def run() -> NoReturn:
    """Be the process of one command."""
    end_with(main)
