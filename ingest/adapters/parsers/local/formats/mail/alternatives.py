"""Chooses among the alternatives of a message's body the one that says more."""

import re
from collections.abc import Callable
from email.message import Message

from ingest.adapters.parsers.local.draft import Draft
from ingest.domain.parse_warning import WarningCode

_WORD = re.compile(r"\w{2,}|[\u3040-\u30ff\u4e00-\u9fff]")
_ADDRESS = re.compile(r"<?\b(?:https?|mailto|cid|ftp):[^\s>]*>?|\S+@\S+", re.IGNORECASE)
_NOTICE = re.compile(r"html|browser|e-?mail|mail\s?reader|client|viewer|web", re.IGNORECASE)
_MAX_NOTICE_WORDS = 60
_MAX_MISSING = 0.15
_BOTH_WORDS = 20
"""When each of two alternatives has this many words of its own, both are read."""
_REPEATS = frozenset({"text/x-amp-html", "text/watch-html"})


class Alternatives:
    """Compares the words of alternatives; each part is measured once."""

    def __init__(self, measure: Callable[[Message], str]) -> None:
        self._measure = measure
        # The parts are kept with their texts: ids of freed objects are used again.
        self._texts: dict[int, tuple[Message, str]] = {}

    def chosen(self, parts: list[Message], draft: Draft) -> list[Message]:
        """The parts to read; a warning says what the others have more."""
        said = [part for part in parts if self._text(part).strip()]
        extra = [part for part in said if part.get_content_type() == "text/calendar"]
        bodies = [part for part in said if part not in extra]
        usual = [part for part in bodies if part.get_content_type() not in _REPEATS]
        bodies = usual or bodies
        plain = next((p for p in bodies if p.get_content_type() == "text/plain"), None)
        rich = next((p for p in reversed(bodies) if p is not plain), None)
        if plain is None or rich is None:
            return [*bodies[-1:], *extra]
        return [*self._compared(plain, rich, draft), *extra]

    def _compared(self, plain: Message, rich: Message, draft: Draft) -> list[Message]:
        text = _ADDRESS.sub(" ", self._text(plain))
        plain_words, rich_words = _words(text), _words(_ADDRESS.sub(" ", self._text(rich)))
        lacking, beyond = rich_words - plain_words, plain_words - rich_words
        if len(lacking) <= _MAX_MISSING * len(rich_words):
            return [plain]
        is_notice = len(plain_words) <= _MAX_NOTICE_WORDS and _NOTICE.search(text)
        if is_notice or len(beyond) <= _MAX_MISSING * len(plain_words):
            return [rich]
        if len(lacking) >= _BOTH_WORDS and len(beyond) >= _BOTH_WORDS:
            return [rich, plain]
        kept, left = (rich, beyond) if len(lacking) > len(beyond) else (plain, lacking)
        other = "text" if kept is rich else "HTML"
        draft.warn(
            WarningCode.PART_NOT_READ,
            f"the {other} version of the message's body was not read; "
            f"{len(left)} of its words are not in the version that was read",
        )
        return [kept]

    def _text(self, part: Message) -> str:
        if id(part) not in self._texts:
            self._texts[id(part)] = (part, self._measure(part))
        return self._texts[id(part)][1]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
