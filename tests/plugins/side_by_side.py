"""Two processes share the tests: one runs whole systems in turn, the other all that is small."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

WHOLE_SYSTEMS = ("tests/e2e/", "tests/chaos/")


class SideBySide(LoadScopeScheduling):
    """A file's tests stay together, and so do all that start whole systems."""

    def _split_scope(self, nodeid: str) -> str:
        return "whole systems" if nodeid.startswith(WHOLE_SYSTEMS) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SideBySide:
    """Take the place of xdist's own scheduler."""
    return SideBySide(config, log)
