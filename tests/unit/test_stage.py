"""The nine stages."""

from itertools import pairwise

from ingest.domain.stage import STAGES, Stage


def test_there_are_nine_stages_from_queued_to_embedded() -> None:
    assert [stage.value for stage in STAGES] == [
        "queued",
        "job_validated",
        "parsing",
        "parsed",
        "parse_validated",
        "chunking",
        "chunks_buffered",
        "embedding",
        "embedded",
    ]


def test_ordinals_count_up_from_zero_without_gaps() -> None:
    assert [stage.ordinal for stage in STAGES] == list(range(9))
    assert all(before.ordinal + 1 == after.ordinal for before, after in pairwise(STAGES))


def test_a_stage_is_its_word_in_the_database() -> None:
    assert Stage("parse_validated") is Stage.PARSE_VALIDATED
    assert f"{Stage.PARSE_VALIDATED}" == "parse_validated"
