"""The transition table, and what it must guarantee whatever its rows are."""

import pickle
from itertools import product
from uuid import uuid4

import pytest

from ingest.domain.errors import IllegalTransition
from ingest.domain.job import (
    CLAIMABLE_STATES,
    FINAL_STATES,
    TRANSITIONS,
    JobState,
    Lease,
    ensure_transition,
)


@pytest.mark.parametrize(("current", "target"), list(product(JobState, JobState)))
def test_a_change_of_state_is_refused_unless_the_table_has_it(
    current: JobState, target: JobState
) -> None:
    if target in TRANSITIONS[current]:
        ensure_transition(current, target)
    else:
        with pytest.raises(IllegalTransition, match=f"from '{current}' to '{target}'"):
            ensure_transition(current, target)


def test_the_table_has_a_row_for_every_state_and_no_state_leads_to_itself() -> None:
    assert set(TRANSITIONS) == set(JobState)
    assert all(state not in targets for state, targets in TRANSITIONS.items())


def test_only_claimable_states_lead_to_work() -> None:
    leading = {state for state, targets in TRANSITIONS.items() if JobState.WORKING in targets}

    assert leading == CLAIMABLE_STATES


def test_a_job_can_be_cancelled_until_it_is_done() -> None:
    cancellable = {s for s, targets in TRANSITIONS.items() if JobState.CANCELLED in targets}

    assert cancellable == set(JobState) - {JobState.DONE, JobState.CANCELLED}


def test_only_a_working_job_can_be_done() -> None:
    leading = {state for state, targets in TRANSITIONS.items() if JobState.DONE in targets}

    assert leading == {JobState.WORKING}


def test_of_the_final_states_only_the_dead_letter_has_a_way_back() -> None:
    ways = {state: TRANSITIONS[state] - FINAL_STATES for state in FINAL_STATES}

    assert ways == {
        JobState.DONE: frozenset(),
        JobState.CANCELLED: frozenset(),
        JobState.DEADLETTER: frozenset({JobState.QUEUED}),
    }


def test_every_state_can_reach_an_end() -> None:
    ending = set(FINAL_STATES)
    while more := {s for s, targets in TRANSITIONS.items() if targets & ending} - ending:
        ending |= more

    assert ending == set(JobState)


def test_a_lease_survives_the_way_to_another_process() -> None:
    lease = Lease(uuid4(), uuid4())

    assert pickle.loads(pickle.dumps(lease)) == lease  # noqa: S301
