"""The command line ``ingest``; nothing heavy is imported before a command runs."""

from typing import NoReturn

from ingest.cli.app import main
from ingest.cli.process import end_with

__all__ = ["main", "run"]


def run() -> NoReturn:
    """Run the command line of this process, then end the process."""
    end_with(main)
