"""What is uploaded during a run: new documents, new versions, copies, scans and broken files."""

import hashlib
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.corpus import mixed_corpus
from tests import samples

_EDITABLE = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class Item:
    """One upload."""

    external_id: str
    filename: str
    content: bytes
    scanned_pages: int = 0
    """Pages that only the provider can read; 0 for a file with text of its own."""
    refusal: str | None = None
    """Code with which it must end in the dead letter."""

    @property
    def sha256(self) -> str:
        """Digest of the content, in hex."""
        return hashlib.sha256(self.content).hexdigest()


def items(seed: str) -> Iterator[Item]:
    """An endless feed for one tenant; equal seeds give equal texts, as ``mixed_corpus`` does."""
    dice = random.Random(f"feed/{seed}")
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")
    fresh = mixed_corpus(1_000_000, seed=number)
    good: list[Item] = []
    for count in itertools.count():
        roll, name = dice.random(), f"{seed}-{count}"
        if roll < 0.12 and good:
            item = _next_version(dice.choice(good), fresh, count)
        elif roll < 0.20 and good:
            known = dice.choice(good)
            item = Item(name, known.filename, known.content, known.scanned_pages)
        elif roll < 0.25:
            item = _scan(name, dice.randrange(1, 4))
        elif roll < 0.29:
            item = _broken(name, dice, count)
        else:
            filename, content, _ = next(fresh)
            item = Item(name, filename, content)
        if item.refusal is None:
            good = [g for g in good if g.external_id != item.external_id] + [item]
        yield item


def _next_version(item: Item, fresh: Iterator[tuple[str, bytes, str]], count: int) -> Item:
    if item.filename.endswith(_EDITABLE):
        added = f"\n\nVersion {count} of this report adds a sentence, and nothing else."
        return Item(item.external_id, item.filename, item.content + added.encode())
    filename, content, _ = next(fresh)
    return Item(item.external_id, filename, content)


def _scan(name: str, pages: int) -> Item:
    content = samples.pdf([""] * pages) + f"\n% {name}\n".encode()
    return Item(name, f"scan-{name}.pdf", content, scanned_pages=pages)


def _broken(name: str, dice: random.Random, count: int) -> Item:
    if dice.random() < 0.5:
        return Item(
            name,
            f"locked-{name}.pdf",
            samples.encrypted_pdf() + f"\n% {name}\n".encode(),
            refusal="document_encrypted",
        )
    half = samples.docx(f"Number {count} of {name} is cut off.")[:2000]
    return Item(name, f"cut-{name}.docx", half, refusal="document_unreadable")
