"""Function words: what a question is made of, whatever it asks for.

Articles, pronouns, prepositions, conjunctions, auxiliary verbs and question words, folded. Lexical
search leaves them out where other words are left; in a phrase they count.
"""

from pathlib import Path


def _read() -> frozenset[str]:
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(word for line in lines for word in line.split())


FUNCTION_WORDS = _read()
