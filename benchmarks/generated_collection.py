"""A small collection with exact truth, for machines without the public ones.

Each document says of one delivery what was delivered, to which place and why; a question names two
of the three in other forms of the words. Exactly the documents with both answer it.
"""

import random
from itertools import product

from benchmarks.collections import Collection, judged
from benchmarks.corpus import prose

NAME = "generated"
_PLACES = {
    "Aldwick": "in Aldwick",
    "Brenholm": "at Brenholm",
    "Corvey": "near Corvey",
    "Dunmere": "in Dunmere",
    "Eskdale": "of Eskdale",
    "Fairlea": "at Fairlea",
}
_GOODS = {
    "seventeen lanterns were carried into the shed": "lantern",
    "the barge unloaded twelve anchors": "anchor",
    "a crate of compasses stood on the ramp": "compass",
    "new batteries were charged and stacked": "battery",
    "the clerk counted forty blankets": "blanket",
    "two pumps were bolted to the floor": "pump",
    "rolls of canvas had been ordered": "canvas roll",
}
_REASONS = {
    "because the old ones were flooded": "flooding",
    "after the inspectors had complained": "complaints of an inspector",
    "since the festival draws many visitors": "visit to the festival",
    "while the bridge is being repaired": "repair of the bridge",
    "as the winter storms are expected": "winter storm",
}
_NOISE_CHARS = 400


def generated(*, seed: int = 7) -> Collection:
    """The collection; equal seeds give equal texts."""
    rng = random.Random(seed)
    documents: dict[str, str] = {}
    facts: dict[str, tuple[str, str, str]] = {}
    for number, fact in enumerate(product(_PLACES, _GOODS, _REASONS)):
        place, goods, reason = fact
        noise = [p for _, paragraphs in prose(rng, _NOISE_CHARS) for p in paragraphs]
        at = rng.randrange(len(noise))
        noise.insert(at, f"In {place} {goods}, {reason}.")
        name = f"d{number}"
        documents[name] = "\n\n".join(noise)
        facts[name] = fact
    queries: dict[str, str] = {}
    relevant: dict[str, set[str]] = {}

    def ask(text: str, first: str, second: str) -> None:
        query = f"q{len(queries)}"
        queries[query] = text
        relevant[query] = {name for name, fact in facts.items() if {first, second} <= {*fact}}

    for (place, where), (goods, thing) in product(_PLACES.items(), _GOODS.items()):
        ask(f"Which {thing} was delivered {where}?", place, goods)
    for (goods, thing), (reason, why) in product(_GOODS.items(), _REASONS.items()):
        ask(f"{thing} needed for {why}", goods, reason)
    return judged(documents, queries, relevant)
