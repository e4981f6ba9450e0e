"""Languages: which one a text is in, and the stems of its words."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from unicodedata import name

import pycld2
import Stemmer

from ingest.adapters.text_analysis.normalization import fold

_SAMPLE_CHARS = 600
"""Characters that the language is detected by; CLD2 takes about 0.2 microseconds for each."""
STEMMED: Mapping[str, str] = MappingProxyType(
    {
        "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
        "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque",
        "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
        "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
        "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
        "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil",
        "tr": "turkish", "yi": "yiddish",
    }
)  # fmt: skip
"""Snowball's stemmer of a language, by the code that CLD2 gives the language."""
DEFAULT = "en"
"""Of texts whose language is not recognized, or has no stemmer."""


def mostly_latin(text: str) -> bool:
    """Whether at least half of the letters of a text are Latin ones; without letters, too."""
    letters = [character for character in text if character.isalpha()]
    latin = sum(character.isascii() or "LATIN" in name(character, "") for character in letters)
    return 2 * latin >= len(letters)


def detect(text: str) -> str:
    """The code of the language of a text; ``DEFAULT`` where it is not sure."""
    sample = text[:_SAMPLE_CHARS]
    if not sample.replace("\n", " ").isprintable():
        sample = "".join(c for c in sample if c.isprintable() or c == "\n")
    try:
        is_sure, _, guesses = pycld2.detect(sample, bestEffort=True)
    except pycld2.error:
        return DEFAULT
    code = str(guesses[0][1])
    return code if is_sure and code in STEMMED else DEFAULT


@lru_cache(maxsize=100_000)
def stems(word: str, language: str) -> tuple[str, ...]:
    """The folded stems of a normalized word, of the word as written and of the folded word.

    They differ where a stemmer needs an accent that one of two writers left out.
    """
    stemmer = _stemmer(language)
    written = fold(stemmer.stemWord(word.lower()))
    plain = stemmer.stemWord(fold(word))
    return (written,) if written == plain else (written, plain)


@lru_cache(maxsize=len(STEMMED))
def _stemmer(language: str) -> Stemmer.Stemmer:
    return Stemmer.Stemmer(STEMMED[language], 0)  # the results are cached by our own functions
