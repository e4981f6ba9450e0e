"""Texts that people wrote, from what is installed with Python; and near-equal notes beside them."""

import ast
import random
import re
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_WORDS = 40
"""Of a passage."""
_CUSTOMERS = ("Iris Medical", "Granite Bank", "Northwind", "Vela Foods", "Orion Rail")
_STATES = ("open", "closed", "waiting")

QUESTIONS = (
    "how do I return an error without an exception",
    "what is the difference between a list and a tuple",
    "how does string formatting work",
    "how do I define a context manager",
    "how can two threads share data safely",
    "how to parse a date from text",
    "how do I read a file line by line",
    "what happens when an exception is raised in a finally block",
    "how to open a network connection with a timeout",
    "how do I send an email with an attachment",
    "what does the global statement do",
    "how can I sort by two keys",
    "when is an object removed from memory",
    "how do I start another program and read its output",
    "how to write a unit test that expects an error",
    "how to compress a file",
    "which characters may a name contain",
    "how do I make a random choice",
    "how to copy a folder with everything in it",
    "what is an abstract base class for",
    "how do decorators work",
    "how can I cancel a task",
    "how to round a decimal number",
    "what is the order in which operators are evaluated",
    "how do I log to a file",
    "when does the canteen open",
    "how many weeks of parental leave do I get",
    "how do I reset model NW-17",
    "what is the liability cap in the contract",
    "who approves travel expenses",
)
"""As a person asks; some have their answer in ``FACTS``."""
FACTS = (
    "The canteen opens at 11:30.",
    "Parental leave is 14 weeks at full pay.",
    "To reset model NW-17, hold the red button for ten seconds.",
    "The liability cap in the contract with Granite Bank is two million euros.",
    "Travel expenses are approved by the head of the department.",
)


def passages(count: int, *, words: int = _WORDS) -> list[str]:
    """Different passages of the documentation of Python's own library, in a random order.

    Raises:
        ValueError: there are fewer.
    """
    found: dict[str, None] = {}
    for text in _documentation():
        parts = text.split()
        for at in range(0, len(parts), words):
            passage = " ".join(parts[at : at + words])
            if len(passage) > 2 * words:
                found[passage] = None
    if len(found) < count:
        raise ValueError(f"there are {len(found)} passages of {words} words, not {count}")
    return random.Random(3).sample(list(found), count)


def near_equal_notes(count: int, *, seed: int = 2) -> list[str]:
    """Tickets that differ in a few words, as companies have thousands of."""
    rng = random.Random(seed)
    return [
        f"Ticket {rng.randrange(10**6)}: customer {rng.choice(_CUSTOMERS)} reports that printer "
        f"{rng.choice('ABCDEFG')}{rng.randrange(999)} on floor {rng.randrange(20)} does not print. "
        f"Status: {rng.choice(_STATES)}. Priority {rng.randrange(5)}. "
        f"Opened on 2025-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}."
        for _ in range(count)
    ]


def shuffled_notes(count: int, *, seed: int = 4) -> list[str]:
    """Notes of random words out of one text: all alike, and like nothing else."""
    rng = random.Random(seed)
    words = re.findall(r"[A-Za-z]+", " ".join(passages(200)))
    return [" ".join(rng.choices(words, k=rng.randrange(60, 120))) for _ in range(count)]


@cache
def _documentation() -> tuple[str, ...]:
    return tuple(_written())


def _written() -> Iterator[str]:
    from pydoc_data.topics import topics

    yield from topics.values()
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "site-packages" in path.parts or "test" in path.parts:
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield ast.get_docstring(node) or ""
