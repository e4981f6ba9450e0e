"""The local model: real vectors, one space, the same text the same vector."""

import asyncio
import socket
from pathlib import Path

import numpy as np
import pytest
import wordllama

from ingest.adapters.embedders.wordllama import MODEL, WordllamaEmbedder, without_capitals
from ingest.domain.errors import InvalidVector

EMBEDDER = WordllamaEmbedder()
NUMBERS = [f"the number {n} of many" for n in range(300)]


async def test_vectors_have_the_size_of_the_model_and_length_one() -> None:
    vectors = await EMBEDDER.embed(
        ["a dog", "x" * 100_000, "\u05e9\u05dc\u05d5\u05dd", "<|endoftext|>"]
    )

    assert vectors.shape == (4, MODEL.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_order_is_kept_and_neighbours_in_the_batch_change_nothing() -> None:
    together = await EMBEDDER.embed(NUMBERS)
    alone = np.concatenate([await EMBEDDER.embed([text]) for text in NUMBERS[::50]])

    assert np.array_equal(together[::50], alone)


async def test_vectors_are_those_of_the_package_bit_for_bit() -> None:
    texts = ["a dog", "x" * 5_000, "\u05e9\u05dc\u05d5\u05dd", "<|endoftext|>", *NUMBERS]
    theirs = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True
    ).embed(texts)

    ours = await EMBEDDER.embed(texts)

    assert np.array_equal(ours, theirs / np.linalg.norm(theirs, axis=1, keepdims=True))


async def test_meaning_shows_in_the_distance() -> None:
    cat, kitten, tax = await EMBEDDER.embed(
        ["The cat sleeps on the sofa.", "A kitten naps on a couch.", "Income tax is due in May."]
    )

    assert cat @ kitten > cat @ tax + 0.2


async def test_threads_may_embed_at_once() -> None:
    found = await asyncio.gather(*(EMBEDDER.embed(["same words"]) for _ in range(8)))

    assert all(np.array_equal(vectors, found[0]) for vectors in found)


async def test_a_text_without_a_known_token_is_an_error_and_no_vector() -> None:
    with pytest.raises(InvalidVector):
        await EMBEDDER.embed(["words", ""])


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.adapters.embedders import wordllama

    def refuse(*_: object) -> None:
        raise AssertionError("the model reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(wordllama, "_loaded", [])

    EMBEDDER.warm()


@pytest.mark.parametrize(
    ("text", "embedded"),
    [
        (
            "THE ALLIES MET IN NASSAU IN DECEMBER 1960 .",
            "the allies met in nassau in december 1960 .",
        ),
        ("ÄPFEL UND BIRNEN LIEGEN IM KÜHLRAUM", "äpfel und birnen liegen im kühlraum"),
        ("The ALLIES of NATO met in NASSAU, and the talks went on", None),
        ("NASA AND ESA", None),
        ("INV-2024-00017", None),
        ("", None),
    ],
)
def test_only_a_text_in_capitals_is_embedded_in_small_letters(
    text: str, embedded: str | None
) -> None:
    assert without_capitals(text) == (embedded or text)


async def test_the_file_name_does_not_outweigh_a_text_in_capitals() -> None:
    texts = [
        "THE ALLIES AGREED IN NASSAU ON A NUCLEAR STRIKE FORCE OF NATO",
        "THE FARMERS OF THE VALLEY HARVEST WHEAT AND BARLEY IN AUGUST",
        "THE HOSPITAL TREATS DISEASES OF THE HEART WITH A NEW DRUG",
    ]

    first, second, third = await EMBEDDER.embed([f"document\n\n{text}" for text in texts])

    assert max(first @ second, first @ third, second @ third) < 0.5
