"""Questions made of texts, where people's own questions are missing."""

import re

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n{2,}")
_FEWEST, _MOST = 25, 200
"""Characters of a sentence that can pass for a question."""


def sentence_of(text: str) -> str:
    """A sentence of a text, the middle one of those that are as long as questions are.

    A whole passage lies among the other passages. A question lies elsewhere: it is short. So a
    sentence says more about search than the passage does.
    """
    sentences = [" ".join(part.split()) for part in _SENTENCE.split(text)]
    fit = [sentence for sentence in sentences if _FEWEST <= len(sentence) <= _MOST]
    return fit[len(fit) // 2] if fit else " ".join(text.split())[:_MOST]
