"""Which pauses stop what."""

from uuid import UUID

from ingest.domain.job import Lane
from ingest.domain.pause import Pause, PauseKind, calls_held_by, claims_held_by

TENANT, OTHER = UUID(int=1), UUID(int=2)
EVERYTHING = Pause(PauseKind.EVERYTHING)
MINE, THEIRS = (Pause(PauseKind.TENANT, str(tenant)) for tenant in (TENANT, OTHER))
LANE, OTHER_LANE = (Pause(PauseKind.LANE, lane) for lane in (Lane.INTERACTIVE, Lane.BACKFILL))
PROVIDER = Pause(PauseKind.PROVIDER, "openai")
ALL = [EVERYTHING, MINE, THEIRS, LANE, OTHER_LANE, PROVIDER]


def test_a_job_is_held_by_pauses_of_everything_its_tenant_and_its_lane() -> None:
    held = claims_held_by(ALL, tenant_id=TENANT, lane=Lane.INTERACTIVE)

    assert held == [EVERYTHING, MINE, LANE]
    assert (
        claims_held_by([THEIRS, OTHER_LANE, PROVIDER], tenant_id=TENANT, lane=Lane.INTERACTIVE)
        == []
    )


def test_only_pauses_of_providers_hold_calls() -> None:
    assert calls_held_by(ALL) == [PROVIDER]


def test_a_pause_in_words_names_no_tenant() -> None:
    labels = [pause.label for pause in ALL]

    assert labels == [
        "everything", "tenant", "tenant", "lane interactive", "lane backfill", "provider openai",
    ]  # fmt: skip
