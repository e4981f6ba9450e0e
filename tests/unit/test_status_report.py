"""What ``ingest status`` says of a reading."""

import io
from typing import Any

import pytest
from rich.console import Console

from ingest.cli.render import status_report


def lines(jobs: list[tuple[str, str, int]], **changes: Any) -> dict[str, str]:
    """The facts on the screen, by name."""
    reading: dict[str, Any] = {
        "url": "http://127.0.0.1:8000",
        "ready": True,
        "problems": [],
        "database_up": True,
        "documents": 10,
        "chunks": 100,
        "degraded": 0,
        "jobs": [
            {"lane": lane, "stage": "parsed", "state": state, "jobs": count}
            for lane, state, count in jobs
        ],
        "waiting": {},
        "finished_per_second": 2.0,
        "oldest_due_seconds": 0.0,
        "stuck": 0,
        "pauses": {},
        "workers": [],
        "parser": "local",
        "embedder": "openai",
        "providers": [],
        "budgets": {},
        "version": "1",
    } | changes
    screen = Console(file=io.StringIO(), width=80)
    screen.print(status_report.picture(reading))
    assert isinstance(screen.file, io.StringIO)
    pairs = [line.split(maxsplit=1) for line in screen.file.getvalue().splitlines()]
    return {pair[0]: pair[1].strip() for pair in pairs if len(pair) == 2}


def test_the_time_that_is_left_is_that_of_jobs_that_move() -> None:
    said = lines([("interactive", "queued", 20), ("interactive", "done", 9)])

    assert said["left"] == "10 s"
    assert "waiting" not in said


def test_jobs_that_all_wait_for_a_budget_have_no_time_left_and_say_what_they_wait_for() -> None:
    said = lines([("interactive", "waiting", 29)], waiting={"budget": 29})

    assert "left" not in said
    assert said["waiting"] == "29 jobs for a budget"


def test_waiting_jobs_are_not_part_of_the_time_that_is_left() -> None:
    jobs = [("interactive", "waiting", 30), ("backfill", "queued", 20), ("backfill", "working", 20)]
    said = lines(jobs, waiting={"provider": 1, "budget": 29})

    assert said["left"] == "20 s, without the 30 jobs that wait"
    assert said["waiting"] == "29 jobs for a budget, 1 job for a provider"


@pytest.mark.parametrize("pauses", [{"everything": True}, {"lanes": ["backfill"]}])
def test_a_pause_ends_the_estimate_for_what_it_stops(pauses: dict[str, Any]) -> None:
    said = lines([("backfill", "queued", 20)], pauses=pauses)

    assert "left" not in said
    assert said["paused"] in ("everything", "lane backfill")


def test_a_lane_that_is_not_paused_keeps_its_estimate() -> None:
    jobs = [("backfill", "queued", 30), ("interactive", "queued", 20)]
    said = lines(jobs, pauses={"lanes": ["backfill"]})

    assert said["left"] == "10 s, without the 30 jobs that wait"
