"""Two processes share the tests: one breaks whole systems, in turn; the other does all the rest."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SYSTEMS = ("tests/e2e/", "tests/chaos/")
UNHURRIED = tuple(
    f"tests/e2e/test_{name}.py"
    for name in (
        "backfill_wishes",
        "backup",
        "batch_lane",
        "folder_upload",
        "own_servers",
        "readme",
    )
) + tuple(f"tests/chaos/test_{name}.py" for name in ("checker", "mutants", "schedule"))
"""Start whole systems, or none, but nothing of theirs has to happen in time; two go on at once."""


class SideBySide(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """A file's tests stay together, and so do all that break whole systems."""

    def _split_scope(self, nodeid: str) -> str:
        in_turn = nodeid.startswith(SYSTEMS) and not nodeid.startswith(UNHURRIED)
        return "systems in turn" if in_turn else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    """Take the place of xdist's own scheduler."""
    return SideBySide(config, log)
