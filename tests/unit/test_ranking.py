"""Rankings are judged by values that were computed by hand."""

import math

import pytest

from benchmarks.ranking import (
    Language,
    bm25,
    evaluate,
    first_of_each,
    fuse_runs,
    share_within,
)


def test_a_ranking_is_judged_by_where_the_relevant_documents_are() -> None:
    found = evaluate({"q": ["a", "x", "b"]}, {"q": {"a", "b", "c"}})

    # gain 1 + 1 / log2(4); the best possible is 1 + 1 / log2(3) + 1 / log2(4)
    assert found.ndcg == pytest.approx(1.5 / 2.1309297535714578)
    assert found.recall == pytest.approx(2 / 3)
    assert found.mrr == 1.0


def test_the_reciprocal_rank_is_that_of_the_first_relevant_document() -> None:
    found = evaluate({"q": ["x", "y", "a", "b"]}, {"q": {"a", "b"}})

    assert found.mrr == pytest.approx(1 / 3)
    assert found.ndcg == pytest.approx(
        (1 / 2 + 1 / math.log2(5)) / (1 + 1 / math.log2(3))  # places 3 and 4, best 1 and 2
    )


def test_values_are_means_and_a_question_without_a_ranking_counts_as_zero() -> None:
    found = evaluate({"q1": ["a"]}, {"q1": {"a"}, "q2": {"b"}})

    assert found == (0.5, 0.5, 0.5)


def test_nothing_after_the_tenth_place_counts() -> None:
    others = [f"x{number}" for number in range(10)]

    assert evaluate({"q": [*others, "a"]}, {"q": {"a"}}) == (0.0, 0.0, 0.0)
    assert evaluate({"q": [*others[:9], "a"]}, {"q": {"a"}}) == pytest.approx(
        (1 / math.log2(11), 1.0, 0.1)
    )


def test_ten_of_twelve_relevant_documents_are_the_best_that_ten_places_can_hold() -> None:
    wanted = [f"d{number}" for number in range(12)]

    assert evaluate({"q": wanted}, {"q": set(wanted)}) == pytest.approx((1.0, 10 / 12, 1.0))


def test_a_share_counts_the_right_documents_among_the_first_places() -> None:
    run = {"q1": ["a", "b"], "q2": ["x", "y", "b"], "q3": ["x", "y", "z", "c"]}
    wanted = {"q1": "a", "q2": "b", "q3": "c", "q4": "d"}

    assert share_within(run, wanted, 1) == 0.25
    assert share_within(run, wanted, 3) == 0.5


def test_a_document_stands_where_its_best_chunk_stands() -> None:
    assert first_of_each(["b", "a", "b", "c", "a"]) == ["b", "a", "c"]


def test_fusion_sums_the_reciprocal_ranks() -> None:
    # x 1/61, y 1/62 + 1/61, z 1/62
    assert fuse_runs({"q": ["x", "y"]}, {"q": ["y", "z"]}) == {"q": ["y", "x", "z"]}


def test_the_weights_of_a_fusion_decide_between_rankings() -> None:
    first, second = {"q": ["x", "y"]}, {"q": ["y", "x"]}

    assert fuse_runs(first, second, weights=[2, 1]) == {"q": ["x", "y"]}
    assert fuse_runs(first, second, weights=[1, 2]) == {"q": ["y", "x"]}


def test_fusion_ends_after_a_hundred_documents_of_each_ranking() -> None:
    long = [f"d{number}" for number in range(120)]

    assert fuse_runs({"q": long}, {"q": []}) == {"q": long[:100]}


def test_bm25_prefers_rare_words_and_short_documents_and_compares_stems() -> None:
    documents = {
        "long": "a harbour " + "with ropes and planks and nets and oars and sails " * 5,
        "short": "harbours and ropes",
        "rare": "a lighthouse and ropes",
        "other": "ropes of a ship",
    }

    found = bm25(documents, {"stems": "the harbour", "rare": "ropes at the lighthouse"})

    assert found["stems"] == ["short", "long"]
    assert found["rare"][0] == "rare"


def test_bm25_answers_nothing_to_a_question_of_stop_words() -> None:
    assert bm25({"a": "the harbour", "b": "the mole"}, {"q": "the of and"}) == {"q": []}


@pytest.mark.parametrize(
    ("documents", "query"),
    [
        ({"a": "東京湾の潮位表は毎年", "b": "灯台は修理中です"}, "潮位表"),
        ({"a": "ท่าเรือปิดในวันอาทิตย์", "b": "อุณหภูมิห้องเย็น"}, "วันอาทิตย์"),
        ({"a": "型号DS-7604已停产", "b": "型号DS-9912已停产"}, "ds 7604"),
    ],
    ids=["japanese", "thai", "digits"],
)
def test_bm25_finds_words_in_scripts_without_spaces(documents: dict[str, str], query: str) -> None:
    assert bm25(documents, {"q": query}, Language.WITHOUT_SPACES)["q"][0] == "a"
