"""Lexical search on a real database: what is written is found, and an exact hit comes first.

Over 400 lines because all its questions are asked of the same passages.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search import lexical_search, term_store
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.lexical_search import LexicalSearch, SearchScope
from ingest.adapters.postgres.search.search_store import Hit, SearchStore
from ingest.adapters.postgres.search.term_store import MeasuredSpace, TermStore
from ingest.adapters.text_analysis.query import parse
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.local_models import MINILM
from ingest.domain.rank_fusion import EXACT
from tests import builders
from tests.builders import MODEL, some_chunks, some_vectors

TENANT = UUID(int=77)
PLAIN = [
    f"The harbour office answered letter {n} about winter moorings of boats near the old pier"
    for n in range(30)
]
NEAREST = "A passage about nothing of the kind, whose vector is that of every question"


async def publish(
    database: Database,
    *texts: str,
    filename: str = "a.txt",
    headings: tuple[str, ...] = (),
    tenant_id: UUID = TENANT,
    seed: int = 5,
) -> UUID:
    job = await builders.a_claimed_job(database, builders.an_arrival(tenant_id))
    chunks = [
        replace(chunk, filename=filename, heading_path=headings)
        for chunk in some_chunks(job, *texts)
    ]
    vectors = some_vectors(len(texts), seed=seed)
    await builders.publish(database, job, tuple(chunks), vectors=vectors)
    return job.document_id


async def search(
    database: Database, query: str, *, limit: int = 10, tenant_id: UUID = TENANT
) -> list[Hit]:
    """Ask with the vector of a passage that has nothing to do with the query."""
    vector = some_vectors(1, seed=1)[0]
    return await SearchStore(database, MODEL).search(
        vector, tenant_id, limit=limit, words=parse(query)
    )


async def harbour(database: Database, *texts: str) -> None:
    """Other passages, among them one with the vector of every question."""
    await publish(database, *PLAIN)
    await publish(database, NEAREST, seed=1)
    if texts:
        await publish(database, *texts, seed=9)


@pytest.mark.parametrize(
    ("passage", "query"),
    [
        ("The camera at the gate is a DS-7604NI-E1/4P/A with night vision.", "DS-7604NI-E1/4P/A"),
        ("The camera at the gate is a DS-7604NI-E1/4P/A with night vision.", "ds 7604"),
        ("The import shows ORA-00942 for the tariff table.", "00942"),
        ("The invoice INV-2024-00017 was paid twice.", "INV 2024 00017"),
        ("Upgrade the controller to v2.10.4 before the audit.", "2.10.4"),
        ("Ask gudrun.skov@pilots.example.org for the key.", "gudrun.skov"),
        ("Set the option max_upload_bytes in the section of limits.", "upload_bytes"),
        ("The class TideGaugeReader reads the sensor.", "tide gauge reader"),
        ("The printer answers at 10.20.30.41 only.", "10.20.30.41"),
        ("Call the sluice at +49 40 1234-567 in an emergency.", "49401234567"),
        ("The simulator is written in C++ and partly in Perl.", "C++"),
        ("Frau Müller aus Köln vermietet Stege.", "Mueller"),
        ("Frau Müller aus Köln vermietet Stege.", "muller"),
        ("Die Straße ist gesperrt wegen Hochwasser.", "STRASSE GESPERRT"),
        ("Le château d\u2019Étretat est fermé.", "etretat"),
        ("Der Wert\u00adpapier\u00adindex fiel stark.", "Wertpapierindex"),
        ("The oﬃce of ﬁnance moved.", "office of finance"),
        ("Seventeen barnacles were scraped off the hull.", "barnacle"),
        ("Die Hafenmeisterei schließt um vier.", "Hafenmeister"),
        ("東京湾の潮位表は毎年港湾局が発行します。", "潮位表"),
        ("本合同自双方签字之日起生效,有效期三年。", "合同"),
        ("本合同自双方签字之日起生效,有效期三年。", "效"),
        ("ท่าเรือปิดในวันอาทิตย์เพราะมีลมแรงมาก", "ท่าเรือ"),
        ("항만 관리 위원회는 회의록을 공개합니다.", "항만 관리"),
        ("The skipper's licence isn't valid in Sweden's lakes.", "skippers licence"),
    ],
)
async def test_what_is_written_is_the_first_hit_in_any_spelling(
    database: Database, passage: str, query: str
) -> None:
    await harbour(database, passage)

    for limit in (1, 10):
        hits = await search(database, query, limit=limit)
        assert hits[0].text == passage


async def test_an_identifier_in_a_question_brings_its_passage_first(database: Database) -> None:
    passage = "Hold both keys of the NW-17 for nine seconds; all values are lost then."
    await harbour(database, passage, "To reset a model of the older kind, pull the plug and wait.")

    [hit] = await search(database, "How do I reset the model NW-17?", limit=1)

    assert hit.text == passage
    assert hit.is_exact


async def test_hits_are_in_the_order_of_their_scores_and_exact_ones_are_above_half(
    database: Database,
) -> None:
    await harbour(
        database, "The parental leave of pilots is twelve weeks.", "Leave the parental boat."
    )

    hits = await search(database, "parental leave", limit=30)

    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.is_exact for hit in hits] == [True] + [False] * (len(hits) - 1)
    assert scores[0] >= EXACT >= scores[1]
    assert hits[0].lexical_score > 0


@pytest.mark.parametrize("query", ["Straße gesperrt", "strasse gesperrt", "gesperrte straßen"])
async def test_all_words_of_a_short_query_come_before_one_of_them_in_a_short_chunk(
    database: Database, query: str
) -> None:
    both = "Die Straße ist wegen Hochwasser gesperrt, schreibt das Hafenamt. " + " ".join(PLAIN)
    await harbour(database, both, "Straße 5.", "Kühlraum, Straße")

    first, *others = await search(database, query)

    assert first.text == both
    assert not first.is_exact
    assert first.score > EXACT > max(hit.score for hit in others)


async def test_titles_and_headings_are_found_though_the_text_does_not_say_them(
    database: Database,
) -> None:
    await harbour(database)
    blueprint = await publish(
        database, "This memo is about weather.", filename="zeppelin-blueprint.txt"
    )
    boiler = await publish(
        database, "The valve opens at nine bar.", headings=("Pressure relief of Boiler Quagga",)
    )

    assert (await search(database, "zeppelin blueprint"))[0].document_id == blueprint
    assert (await search(database, "relief of boiler quagga"))[0].document_id == boiler


async def test_quoted_words_come_first_minus_excludes_and_a_star_is_the_end_of_a_word(
    database: Database,
) -> None:
    texts = ("Granite Bank lends money", "a bank of granite stones", "granite and bank and rust")
    await harbour(database, *texts)

    quoted = await search(database, '"granite bank"')
    without = await search(database, "granite bank -rust", limit=50)
    begun = await search(database, "gran*", limit=3)

    assert [hit.text for hit in quoted if hit.is_exact] == [texts[0]]
    assert quoted[0].text == texts[0]
    assert texts[2] not in [hit.text for hit in without]
    assert {hit.text for hit in begun} == set(texts)


async def test_equal_texts_are_one_hit_that_names_every_document(database: Database) -> None:
    text = "The canteen opens at 11:30."
    documents = [await publish(database, text, seed=seed) for seed in range(3)]
    await harbour(database)

    hits = await search(database, "when does the canteen open")

    [canteen] = [hit for hit in hits if hit.text == text]
    assert {canteen.document_id, *canteen.also_in} == set(documents)
    assert len(hits) == 10


@pytest.mark.parametrize(
    "query",
    ["x " * 4_000, "潮", "to be or not to be", "...", '"', "-", "-a -b", "*&|!()<->:*'", "\\"],
    ids=["long", "one-character", "stop-words", "dots", "quote", "minus", "all-minus", "operators",
         "backslash"],
)  # fmt: skip
async def test_odd_queries_are_answered(database: Database, query: str) -> None:
    await harbour(database)

    hits = await search(database, query)

    assert len(hits) == 10  # by meaning, at the least


async def test_words_alone_rank_without_a_vector(database: Database) -> None:
    await harbour(database, "The tide gauge broke.")

    hits = await SearchStore(database, MODEL).search(
        None, TENANT, limit=5, words=parse("tide gauge")
    )

    assert [hit.text for hit in hits] == ["The tide gauge broke."]
    assert hits[0].similarity is None


async def test_a_tenant_with_three_chunks_beside_a_large_one_finds_its_own(
    database: Database,
) -> None:
    small = UUID(int=78)
    await publish(database, *(f"granite bank and rust number {n}" for n in range(500)))
    await publish(database, "granite bank of ours", "something else", "a third", tenant_id=small)

    hits = await search(database, "granite bank", tenant_id=small)

    assert hits[0].text == "granite bank of ours"
    assert len(hits) == 3


async def test_where_every_word_is_common_chunks_with_two_of_them_are_looked_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical_search, "MOST_CANDIDATES", 10)
    await harbour(database, "winter harbour")

    [hit] = await search(database, "winter harbour", limit=1)

    assert hit.text == "winter harbour"


async def remove_terms(database: Database) -> None:
    await builders.execute(database, "UPDATE upload_pipeline.document_chunks SET terms = NULL")


async def test_chunks_from_before_get_their_terms(database: Database) -> None:
    await harbour(database, "The tide gauge broke.")
    made = "SELECT chunk_id, terms::text FROM upload_pipeline.document_chunks ORDER BY chunk_id"
    before = await builders.fetch(database, made)
    await remove_terms(database)

    assert "The tide gauge broke." not in [h.text for h in await search(database, "gauge", limit=1)]
    store = TermStore(database)
    added = [await store.add_missing(limit=20) for _ in range(3)]

    assert added == [20, 12, 0]
    assert [row["terms"] for row in await builders.fetch(database, made)] != []
    # The title of a document is its file name, which the rows of the test do not have.
    assert len(await builders.fetch(database, made)) == len(before)
    assert (await search(database, "gauge", limit=1))[0].text == "The tide gauge broke."


async def test_half_made_terms_hide_nothing_from_search_by_meaning(database: Database) -> None:
    await harbour(database)
    await remove_terms(database)
    await TermStore(database).add_missing(limit=10)

    hits = await search(database, "winter moorings", limit=50)

    assert {hit.text for hit in hits} == {*PLAIN, NEAREST}


async def fractions(database: Database) -> dict[str, float]:
    [row] = await builders.fetch(
        database, "SELECT terms, fractions FROM upload_pipeline.term_statistics"
    )
    return dict(zip(row["terms"], row["fractions"], strict=True))


async def counted(database: Database, terms: Sequence[str]) -> dict[str, float]:
    rows = await builders.fetch(
        database,
        "SELECT t.term, avg((c.terms @@ quote_literal(t.term)::tsquery)::integer)::float AS share"
        " FROM upload_pipeline.document_chunks AS c CROSS JOIN unnest($1::text[]) AS t (term)"
        " GROUP BY t.term",
        list(terms),
    )
    return {row["term"]: row["share"] for row in rows}


async def test_measured_terms_are_those_that_are_there_after_deletions_and_replacements(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_store, "LEAST_MEASURED", 20)
    monkeypatch.setattr(term_store, "SAMPLED_OF_DOCUMENT", 100)
    store = TermStore(database)
    old = await publish(database, *(f"granite number {n}" for n in range(30)))
    await publish(database, *(f"harbour number {n}" for n in range(30)))
    for space in await store.to_measure():
        await store.measure(space)
    first = await fractions(database)
    await builders.execute(
        database, f"DELETE FROM upload_pipeline.documents WHERE document_id = '{old}'"
    )
    due = await store.to_measure()
    for space in due:
        await store.measure(space)
    second = await fractions(database)

    assert first["granite"] == first["granit"] == 0.5
    assert due == [MeasuredSpace(TENANT, MODEL.name, MODEL.version, 30)]
    assert second["harbour"] == 1
    assert "granite" not in second
    assert second == pytest.approx(await counted(database, list(second)))
    assert await store.to_measure() == []


async def test_terms_of_few_chunks_are_not_measured_as_common(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_store, "LEAST_MEASURED", 20)
    monkeypatch.setattr(term_store, "SAMPLED_OF_DOCUMENT", 100)
    monkeypatch.setattr(term_store, "LEAST_SHARE", 0.2)
    store = TermStore(database)
    await publish(database, *PLAIN, "The granite pier")
    for space in await store.to_measure():
        await store.measure(space)

    common = await fractions(database)

    assert common["pier"] == 1
    assert "granite" not in common
    assert min(common.values()) >= 0.2


async def test_statistics_are_measured_again_when_the_chunks_are_a_quarter_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_store, "LEAST_MEASURED", 20)
    store = TermStore(database)
    await publish(database, *PLAIN)
    for space in await store.to_measure():
        await store.measure(space)

    await publish(database, *(f"granite number {n}" for n in range(5)))
    after_a_few = await store.to_measure()
    await publish(database, *(f"basalt number {n}" for n in range(5)))
    after_many = await store.to_measure()

    assert after_a_few == []
    assert after_many == [MeasuredSpace(TENANT, MODEL.name, MODEL.version, 40)]


async def test_common_terms_weigh_as_they_do_when_all_is_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harbour(database, "The pier of granite", "granite moorings near the pier")
    before = {h.chunk_id: h.lexical_score for h in await search(database, "granite pier moorings")}
    monkeypatch.setattr(term_store, "LEAST_MEASURED", 1)
    monkeypatch.setattr(term_store, "SAMPLED_OF_DOCUMENT", 100)
    store = TermStore(database)
    for space in await store.to_measure():
        await store.measure(space)

    after = {h.chunk_id: h.lexical_score for h in await search(database, "granite pier moorings")}

    # The average length is that of all chunks now, not of those that were scored.
    assert after == pytest.approx(before, rel=0.2)
    assert list(after)[:2] == list(before)[:2]


COPIES = """
INSERT INTO upload_pipeline.document_chunks (
    chunk_id, tenant_id, document_id, generation, chunk_ord, char_start, char_end, token_count,
    text, chunk_sha, chunker, embed_model, embed_version, vector_dim, embedding, terms
)
SELECT
    gen_random_uuid(), tenant_id, document_id, generation, n, char_start, char_end, token_count,
    text, chunk_sha, chunker, embed_model, embed_version, vector_dim, embedding,
    terms || array_to_tsvector(ARRAY['number' || n])
FROM upload_pipeline.document_chunks CROSS JOIN generate_series(1, 20000) AS n
"""


async def test_an_identifier_of_very_common_atoms_is_found_without_reading_all_that_hold_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(term_store, "LEAST_MEASURED", 20)
    monkeypatch.setattr(term_store, "SAMPLED_OF_DOCUMENT", 100)
    monkeypatch.setattr(lexical_search, "MOST_CANDIDATES", 10)
    asked: list[str] = []
    look_up = LexicalSearch._look_up

    async def noted(self: Any, connection: Any, queries: Any, *most: int) -> list[int]:
        asked.extend(queries)
        return await look_up(self, connection, queries, *most)

    monkeypatch.setattr(LexicalSearch, "_look_up", noted)
    await publish(database, *(f"pier of the harbour {n}" for n in range(30)))
    await publish(database, "Set pier_harbour to the number of the pier", seed=9)
    store = TermStore(database)
    for space in await store.to_measure():
        await store.measure(space)

    hits = await search(database, "pier_harbour")

    assert hits[0].text == "Set pier_harbour to the number of the pier"
    assert hits[0].is_exact
    assert asked == ["'pierharbour'"]


async def test_very_common_words_find_the_same_without_the_index(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harbour(database, "The harbour pier", "harbour lights, no mooring")
    await publish(database, "The pier of another harbour", tenant_id=UUID(int=78))
    queries = ["harbour", "pier harbour", "harbour -lights", "the"]
    by_index = [await search(database, query, limit=50) for query in queries]
    monkeypatch.setattr(lexical_search, "_INDEXED_OF_READ", 0)

    in_turn = [await search(database, query, limit=50) for query in queries]

    assert len(by_index[0]) == len(PLAIN) + 3
    assert [{hit.chunk_id: hit.score for hit in hits} for hits in in_turn] == [
        pytest.approx({hit.chunk_id: hit.score for hit in hits}) for hits in by_index
    ]


async def test_terms_are_looked_up_in_their_index(database: Database) -> None:
    await IndexStore(database).drop(MODEL)
    await publish(database, "a passage about granite")
    await builders.execute(database, COPIES)
    await builders.execute(database, "ANALYZE upload_pipeline.document_chunks")

    async with database.transaction() as connection:
        await connection.execute(f"SET LOCAL ingest.tenant = '{TENANT}'")
        matches = await LexicalSearch(MODEL).find(
            connection, parse("number1234"), SearchScope(TENANT, 10)
        )
        scans = await connection.fetchval(
            "SELECT pg_stat_get_xact_numscans("
            "'upload_pipeline.idx_document_chunks_terms'::regclass)"
        )

    assert len(matches) == 1
    assert scans > 0


@pytest.mark.parametrize(("model", "second"), [(MINILM.model, "words"), (MODEL, "vector")])
async def test_a_model_that_knows_latin_scripts_only_does_not_rank_other_questions(
    database: Database, model: EmbeddingModel, second: str
) -> None:
    texts = {
        "all": "ใครเป็นคนวัดระดับน้ำในแม่น้ำเมื่อฝนตก ผู้ดูแลท่าเรือ",
        "words": "ระดับน้ำที่ท่าเรือวัดทุกชั่วโมงโดยผู้ดูแล",
        "vector": NEAREST,
    }
    vectors = some_vectors(3, model, seed=3)
    job = await builders.a_claimed_job(database, builders.an_arrival(TENANT))
    await builders.publish(
        database, job, some_chunks(job, *texts.values()), vectors=vectors, model=model
    )

    hits = await SearchStore(database, model).search(
        vectors[2], TENANT, limit=3, words=parse("ใครเป็นคนวัดระดับน้ำในแม่น้ำเมื่อฝนตกหนักมากหลายวัน")
    )

    assert [hit.text for hit in hits[:2]] == [texts["all"], texts[second]]
