"""Some hundred mixed files through the command line, checked against what they hold."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import httpx
import pytest

from benchmarks.corpus import mixed_corpus
from benchmarks.running_system import RunningSystem
from tests import samples
from tests.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
FILES = 270


def ingest(system: RunningSystem, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ingest", *arguments, "--url", system.url]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_a_folder_of_mixed_files_becomes_searchable_and_bad_ones_get_their_reason(
    shared_system: RunningSystem, shared_ledger: Ledger, tmp_path: Path
) -> None:
    system, ledger = shared_system, shared_ledger
    before = ledger.states()
    planted: dict[str, str] = {}
    for filename, content, sentence in mixed_corpus(FILES, seed=7):
        (tmp_path / filename).write_bytes(content)
        planted[filename] = sentence
    (tmp_path / "locked.pdf").write_bytes(samples.encrypted_pdf())
    (tmp_path / "blank.txt").write_bytes(b" \n\t\n" * 50)
    (tmp_path / "cut.docx").write_bytes((tmp_path / "report-7-00001.docx").read_bytes()[:2000])

    uploaded = ingest(system, "upload", str(tmp_path), "--json")
    summary = json.loads(uploaded.stdout)

    assert uploaded.returncode == 1, (summary, uploaded.stderr)  # three files are bad
    ledger.wait_until_finished(jobs=before.total() + FILES + 3, seconds=120)
    after = ledger.states()
    assert after == before + Counter(done=FILES, deadletter=3)
    assert ledger.dead_letters() == {
        "locked.pdf": "document_encrypted",
        "blank.txt": "document_empty",
        "cut.docx": "document_unreadable",
    }
    assert ledger.faults() == []
    _check_texts(ledger, planted, tmp_path)
    _check_search(system, planted)

    again = json.loads(ingest(system, "upload", str(tmp_path), "--json").stdout)
    assert ledger.states()["done"] == after["done"], again


def _check_texts(ledger: Ledger, planted: dict[str, str], folder: Path) -> None:
    texts = ledger.texts()
    for filename, sentence in planted.items():
        whole = squeezed(" ".join(text for _, _, text in texts[filename]))
        assert sentence in whole, filename
    for filename in (name for name in planted if name.endswith((".txt", ".md"))):
        source = (folder / filename).read_text(encoding="utf-8")
        for start, end, text in texts[filename]:
            assert text == source[start:end], filename
        covered = bytearray(len(source))
        for start, end, _ in texts[filename]:
            covered[start:end] = b"\1" * (end - start)
        rest = "".join(c for c, seen in zip(source, covered, strict=True) if not seen)
        assert not rest.strip(), filename


def _check_search(system: RunningSystem, planted: dict[str, str]) -> None:
    for filename, sentence in list(planted.items())[:27]:
        answer = httpx.post(f"{system.url}/v1/search", json={"query": sentence, "k": 5})
        hits = answer.json()["hits"]
        assert any(sentence in squeezed(hit["text"]) for hit in hits), (filename, sentence)
