"""The benchmark of search asks a real gateway and judges what it answers."""

import pytest

from benchmarks.collections import Collection
from benchmarks.planted import Planted
from benchmarks.ranking import Language
from benchmarks.retrieval import Bench
from benchmarks.search_client import SearchClient
from ingest.domain.search_mode import SearchMode
from serve.routes.search import SearchRequest
from tests.integration import cli_system

TEXTS = {
    "moorings": "Winter moorings need a permit from the council before the ice comes.",
    "pumps": "The pumping station records the pressure of each boiler at night.",
    "ferry": "The ferry to the island sails twice a day in summer.",
}


def client_of(system: cli_system.Running) -> SearchClient:
    tenant = system.tenant()
    return SearchClient(tenant["INGEST_URL"], tenant["INGEST_API_KEY"])


def test_the_modes_are_those_that_the_api_offers(system: cli_system.Running) -> None:
    default, modes = client_of(system).modes()

    assert default == SearchRequest.model_fields["mode"].default
    assert modes == list(SearchMode)


def test_a_collection_is_measured_in_each_mode_and_against_bm25(
    system: cli_system.Running,
) -> None:
    queries = {"q1": "permit for winter moorings", "q2": "summer ferry to the island"}
    relevant = {"q1": frozenset({"moorings"}), "q2": frozenset({"ferry"})}
    bench = Bench(lambda _: client_of(system))

    bench.collection("small", Collection(TEXTS, queries, relevant), Language.ENGLISH)

    assert bench.results["ndcg10_small"] == 1.0
    assert bench.results["vector_ndcg10_small"] == 1.0
    assert bench.results["bm25_mrr10_small"] == 1.0
    assert bench.results["ratio_vs_bm25_small"] == 1.0
    assert bench.summary()["least_ratio_vs_bm25"] == 1.0
    assert bench.sizes == ["small (3 / 2)"]


def test_a_wrong_judgment_lowers_the_figure_and_nothing_is_divided_by_zero(
    system: cli_system.Running,
) -> None:
    wrong = Collection(TEXTS, {"q": "permit for winter moorings"}, {"q": frozenset({"pumps"})})
    bench = Bench(lambda _: client_of(system))

    bench.collection("wrong", wrong, Language.ENGLISH)

    assert float(bench.results["mrr10_wrong"] or 0) <= 0.5
    assert bench.results["recall10_wrong"] == 1.0
    assert bench.results["bm25_ndcg10_wrong"] == 0.0
    assert "ratio_vs_bm25_wrong" not in bench.results


def test_planted_texts_are_counted_and_refused_files_beside_them_are_not_searched(
    system: cli_system.Running,
) -> None:
    made = Planted(files={name: (f"{name}.txt", text.encode()) for name, text in TEXTS.items()})
    made.files["broken"] = ("broken.pdf", b"%PDF-1.7 and nothing more")
    made.ask("words", "pumps", "pressure of the boiler")
    made.ask("words", "ferry", "permit for winter moorings")
    bench = Bench(lambda _: client_of(system))

    bench.planting("sown", made)

    assert bench.results["sown_first_share"] == 0.5
    assert bench.results["sown_in_three_share"] == 1.0
    assert bench.results["sown_first_share_words"] == 0.5
    assert bench.results["bm25_sown_first_share"] == 0.5


def test_a_collection_whose_documents_are_refused_is_not_measured(
    system: cli_system.Running,
) -> None:
    documents = {**TEXTS, "blank": " \n \n"}
    blank = Collection(documents, {"q": "ferry"}, {"q": frozenset({"ferry"})})

    with pytest.raises(RuntimeError, match="blank: documents were refused"):
        Bench(lambda _: client_of(system)).collection("blank", blank, Language.ENGLISH)
