"""Writes raised, lowered and struck text so that it does not join the words beside it."""

import re

JOINT = "\x01"
"""Where two words must not be joined: a blank, if letters or digits stand on both sides."""
_BETWEEN_WORDS = re.compile(f"(?<=[\\w~]){JOINT}(?=[\\w~√(])|(?<=[)]){JOINT}(?=[\\w~√])")
_ORDINALS = frozenset(
    {"st", "nd", "rd", "th", "er", "ère", "re", "e", "ème", "de", "o", "a", "os", "as", "ers"}
)
_SIGNS = frozenset(
    {"tm", "sm", "®", "™", "©", "*", "**", "†", "‡", "º", "ª", "°", "\u2032", "\u2033"}
)
_SIMPLE = re.compile(r"[+\-\u2212]?\w+(?:[.,]\w+)?")
_MAX_NUMBER = 3


def marked(name: str, inside: str, *, before: str, has_link: bool) -> str:
    """Write the text of an inline element with what tells it from its surroundings."""
    text = " ".join(inside.replace("\0", " ").split())
    if not text:
        return inside
    if name in {"del", "s", "strike"}:
        return f"{JOINT}~~{text}~~{JOINT}"
    if name == "q":
        return f"\u201c{text}\u201d"
    if name == "rt":
        return f"({text})"
    return _raised(text, before, has_link=has_link) if name == "sup" else _lowered(text, before)


def resolved(text: str) -> str:
    """Replace the joints."""
    if JOINT not in text:
        return text
    return _BETWEEN_WORDS.sub(" ", text).replace(JOINT, "")


def raised(text: str) -> str:
    """An exponent."""
    return f"^{text}" if _SIMPLE.fullmatch(text) else f"^({text})"


def lowered(text: str) -> str:
    """An index."""
    return f"_{text}" if _SIMPLE.fullmatch(text) else f"_({text})"


def _raised(text: str, before: str, *, has_link: bool) -> str:
    if text[0] in "[(" or text.casefold() in _SIGNS:
        return text
    if has_link:
        return f"[{text}]"
    last = before[-1:]
    if last.isdigit() and text.casefold() in _ORDINALS:
        return text
    return raised(text) if last.isalnum() or last in {")", "]", "}"} else text


def _lowered(text: str, before: str) -> str:
    """An index: the numbers of chemical formulas stay as they are read."""
    last = before[-1:]
    if (last.isalpha() or last in {")", "]"}) and text.isdigit() and len(text) <= _MAX_NUMBER:
        return text
    return lowered(text) if last.isalnum() or last in {")", "]", "}"} else text
