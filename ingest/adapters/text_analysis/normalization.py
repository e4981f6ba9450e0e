"""Folding: different spellings of the same letters become one."""

import unicodedata
from functools import lru_cache

import regex

_INVISIBLE_RANGES = (
    (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x206F), (0xFEFF, 0xFEFF),
)  # fmt: skip
"""Soft hyphens, zero-width characters and marks of direction: nobody sees them."""
_INVISIBLE = {code: None for low, high in _INVISIBLE_RANGES for code in range(low, high + 1)}
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ł": "l",
        "ħ": "h", "ı": "i", "ŋ": "n", "ĸ": "k", "ŧ": "t", "ё": "е",
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "ـ": None,
    }
)  # fmt: skip
"""Letters that Unicode does not take apart: Latin, Russian yo, the variants of Arabic letters."""
_MARKS = regex.compile(r"(?<=[\p{Latin}\p{Greek}\p{Arabic}\p{Hebrew}]\p{M}*)\p{M}")
"""Accents and vowel points. In other scripts a mark is a letter: Hindi vowels, Thai tones."""
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})


def normalize(text: str) -> str:
    """Unicode normal form KC without characters that nobody sees; the case stays."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text.translate(_INVISIBLE))


@lru_cache(maxsize=20_000)
def fold(word: str) -> str:
    """A normalized word in lower case, without accents; ``Straße`` is ``strasse``.

    Digits of other scripts become ASCII digits.
    """
    if word.isascii():
        return word.lower()
    lower = word.casefold().translate(_LETTERS)
    plain = _MARKS.sub("", unicodedata.normalize("NFD", lower))
    folded = unicodedata.normalize("NFC", plain).translate(_LETTERS)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in folded)


def fold_by_digraphs(word: str) -> str | None:
    """A normalized word with its umlauts written out, ``Müller`` as ``mueller``; None without."""
    lower = word.lower()
    written = lower.translate(_DIGRAPHS)
    return fold(written) if written != lower else None
