"""A gateway and a worker, from the settings of the environment, until standard input ends."""

import sys

from ingest.settings import load
from tests.integration.cli_system import gateway, worker

if __name__ == "__main__":
    settings = load()
    with gateway(settings) as url, worker(settings):
        print(url, flush=True)  # noqa: T201 what the test waits for
        sys.stdin.read()
