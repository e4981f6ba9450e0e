"""``python -m ingest.sim openai|llamaparse``."""

import importlib
import sys

PROVIDERS = ("openai", "llamaparse")


def main(argv: list[str]) -> int:
    """Run one simulator until a signal stops it."""
    if not argv or argv[0] not in PROVIDERS:
        sys.stderr.write(f"usage: python -m ingest.sim {'|'.join(PROVIDERS)} [--help]\n")
        return 2
    importlib.import_module(f"ingest.sim.{argv[0]}.command").run(argv[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
