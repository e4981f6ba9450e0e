"""Two processes share the tests: one breaks whole systems, in turn; the other does all the rest."""

from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SYSTEMS = ("tests/e2e/", "tests/chaos/")
UNHURRIED = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "backfill_terminal",
        "backfill_wishes",
        "backup",
        "batch_lane",
        "killed_starts",
        "own_servers",
        "readme",
    )
) + tuple(f"tests/chaos/test_{name}.py" for name in ("checker", "mutants", "schedule"))
"""Start whole systems, or none, but nothing of theirs has to happen in time; two go on at once."""
LONGEST = 12
"""Files that are named in the end."""


class SideBySide(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file's tests stay together, and so do all that break whole systems."""

    def _split_scope(self, nodeid: str) -> str:
        in_turn = nodeid.startswith(SYSTEMS) and not nodeid.startswith(UNHURRIED)
        return "systems in turn" if in_turn else nodeid.partition("::")[0]


class Durations:
    """Seconds of each process and of each file, so that an uneven split is seen."""

    def __init__(self) -> None:
        self._by_process: Counter[str] = Counter()
        self._by_file: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds = round(report.duration * 1000)
        self._by_process[getattr(report, "worker_id", "this process")] += seconds
        self._by_file[report.nodeid.partition("::")[0]] += seconds

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        longest = self._by_file.most_common(LONGEST)
        terminalreporter.section("seconds of each process, and of the longest files")
        for name, milliseconds in (*sorted(self._by_process.items()), *longest):
            terminalreporter.write_line(f"{milliseconds / 1000:7.0f}  {name}")


def pytest_configure(config: pytest.Config) -> None:
    """Sum up durations where the results of both processes come together."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    """Take the place of xdist's own scheduler."""
    return SideBySide(config, log)
