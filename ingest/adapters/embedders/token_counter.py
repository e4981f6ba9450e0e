"""Counts tokens as a local model does, so that a splitter can cut what the model reads at once."""

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer


class TokenCounter:
    """A model's own tokenizer, which neither cuts a long text nor pads a short one."""

    def __init__(self, file: Path) -> None:
        """Load a ``tokenizer.json``; what it says about truncation and padding is left out."""
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(file))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without those that the model adds around it."""
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(each.ids) for each in encoded]
