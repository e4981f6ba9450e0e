"""A short attack on the whole system: every part is hit once, and the checker finds nothing."""

from pathlib import Path

import pytest

from tests.chaos.hostile import Tried
from tests.chaos.report import write
from tests.chaos.run import Plan, attack
from tests.chaos.schedule import SECONDS

pytestmark = [pytest.mark.attack, pytest.mark.timeout(600)]
_LONG = {"parse actor paused", "chunk actor paused", "OpenAI away", "LlamaParse hangs", "nothing"}
"""Left to the long run: others here are of their kind."""
PLAN = Plan(
    seed=4,
    seconds=80.0,
    kinds=tuple(kind for kind in SECONDS if kind not in _LONG),
    pause=(1.5, 2.5),
    feed_pause=0.7,
    rest_seconds=240.0,
)


def test_a_system_under_attack_keeps_every_promise(tmp_path: Path) -> None:
    outcome = attack(PLAN)

    assert [f"{finding.kind}: {finding.what}" for finding in outcome.findings] == []
    assert {blow.kind for blow in outcome.blows} == set(PLAN.kinds) - set(outcome.left_out)
    assert [blow.kind for blow in outcome.blows if not blow.victims] == []
    assert outcome.counts["done"] > 0
    assert outcome.counts["rescues"] > 0
    assert outcome.samples > 0
    write(outcome, tmp_path / "reliability.md", Tried(by_hand=0, generated=0))
    assert "| partial reads | 0 |" in (tmp_path / "reliability.md").read_text(encoding="utf-8")
