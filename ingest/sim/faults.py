"""The faults of a simulator; the same seed gives the same faults."""

import argparse
import random
import time
from collections import deque
from dataclasses import dataclass, fields, replace
from typing import Any

COMMON = ("500", "503", "html502", "drop_before", "drop_after", "truncated")
"""Kinds of faults of every simulator. Only with the last two is the work done and charged."""
DEFAULT_KINDS = ("500", "503", "html502", "drop_before", "truncated")


@dataclass(frozen=True, slots=True)
class Faults:
    """A schedule of faults."""

    seed: int = 0
    error_rate: float = 0.0
    """Share of requests that get one of ``kinds``."""
    kinds: tuple[str, ...] = DEFAULT_KINDS
    outages: tuple[tuple[float, float], ...] = ()
    """Outages as (start, length) in seconds since the server started."""
    slow_rate: float = 0.0
    slow_seconds: float = 10.0

    def kind(self, number: int, elapsed: float) -> str | None:
        """The fault of a request, by its number and time; None means no fault."""
        if any(start <= elapsed < start + length for start, length in self.outages):
            return "503" if number % 2 else "drop_before"
        dice = random.Random(f"{self.seed}:{number}")  # noqa: S311
        return dice.choice(self.kinds) if dice.random() < self.error_rate else None

    def delay(self, number: int) -> float:
        """Seconds by which a request is slower than usual."""
        dice = random.Random(f"slow:{self.seed}:{number}")  # noqa: S311
        return self.slow_seconds if dice.random() < self.slow_rate else 0.0


class FaultSwitch:
    """The schedule of a running server; it can be changed, and a script has priority over it."""

    def __init__(self, faults: Faults) -> None:
        self._initial = faults
        self.reset()

    def reset(self) -> None:
        """Return to the schedule from the start of the server."""
        self.faults = self._initial
        self.script: deque[str] = deque()
        self._number = 0
        self.started = time.monotonic()

    def next(self) -> tuple[str | None, float]:
        """The fault and the delay of the next request."""
        self._number += 1
        if self.script:
            kind = self.script.popleft()
            return (None if kind == "ok" else kind), 0.0
        elapsed = time.monotonic() - self.started
        return self.faults.kind(self._number, elapsed), self.faults.delay(self._number)

    def change(self, given: dict[str, Any]) -> None:
        """Replace some fields of the schedule; outages count from now on.

        Raises:
            ValueError: a field does not exist.
        """
        known = {entry.name for entry in fields(Faults)}
        if unknown := set(given) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; known: {sorted(known)}")
        if "kinds" in given:
            given["kinds"] = tuple(given["kinds"])
        if "outages" in given:
            now = time.monotonic() - self.started
            given["outages"] = tuple((now + start, length) for start, length in given["outages"])
        self.faults = replace(self.faults, **given)


def add_options(parser: argparse.ArgumentParser, *, kinds: tuple[str, ...]) -> None:
    """Add the options of a schedule."""
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--error-rate", type=float, default=0.0, help="share of requests, 0 to 1")
    parser.add_argument("--fault", action="append", choices=kinds, help="kind; repeatable")
    parser.add_argument(
        "--outage",
        action="append",
        default=[],
        metavar="START,LENGTH",
        help="seconds since the start in which nothing works; repeatable",
    )
    parser.add_argument("--slow-rate", type=float, default=0.0, help="share of slow answers")
    parser.add_argument("--slow-seconds", type=float, default=10.0)


def from_options(options: argparse.Namespace) -> Faults:
    """Make the schedule that the options describe."""
    outages = [tuple(map(float, outage.split(","))) for outage in options.outage]
    return Faults(
        seed=options.seed,
        error_rate=options.error_rate,
        kinds=tuple(options.fault or DEFAULT_KINDS),
        outages=tuple((start, length) for start, length in outages),
        slow_rate=options.slow_rate,
        slow_seconds=options.slow_seconds,
    )
