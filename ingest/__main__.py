"""``python -m ingest``: the same as the command ``ingest``."""

from ingest.cli import run

if __name__ == "__main__":
    run()
