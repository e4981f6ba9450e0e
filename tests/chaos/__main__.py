"""``python -m tests.chaos``: attack the whole system for a while, and write what came of it."""

import argparse
import signal
import sys
from pathlib import Path

from tests.chaos.hostile import try_hostile_input
from tests.chaos.report import line, write
from tests.chaos.run import Plan, attack
from tests.chaos.schedule import SECONDS

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def main() -> int:
    """Run as asked; 1 when the checker found something."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="equal seeds inflict equal faults")
    parser.add_argument("--minutes", type=float, default=10.0, help="of feeding and attacking")
    parser.add_argument("--kind", action="append", choices=SECONDS, help="of fault; repeatable")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the report goes")
    parser.add_argument("--logs", type=Path, help="folder for the system's logs")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    given = parser.parse_args()
    plan = Plan(
        seed=given.seed,
        seconds=60 * given.minutes,
        kinds=tuple(given.kind or SECONDS),
        pause=(6.0, 10.0),
        feed_pause=0.5,
        rest_seconds=400.0,
    )
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))  # and everything is stopped
    outcome = attack(plan, logs=given.logs)
    tried = try_hostile_input()
    write(outcome, given.page, tried)
    for finding in outcome.findings:
        sys.stderr.write(f"{finding.kind}: {finding.what}\n")
    if given.json:
        sys.stdout.write(line(outcome, tried) + "\n")
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
