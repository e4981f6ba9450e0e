"""Where a passage stands, in words: its file, its headings, and the start of its block."""

from collections.abc import Sequence

from ingest.domain.document import ParsedDocument
from ingest.domain.media_type import EXTENSIONS
from ingest.domain.openings import Openings

MAX_TITLE_CHARS = 120
MAX_PATH_CHARS = 240
_MAX_STEP_CHARS = 80
_STEP = " > "


class Contexts:
    """What stands in front of the passages of one document when they are embedded."""

    def __init__(self, parsed: ParsedDocument, filename: str) -> None:
        self._title = title_of(filename)
        self._openings = Openings(parsed.text)

    def of(self, char_start: int, heading_path: Sequence[str]) -> str:
        """The context of a passage that starts here; at most about 900 characters.

        A passage that starts inside a block is preceded by what stands at the block's start: the
        columns of a table, the language of code, the sentence that leads to a list.
        """
        parts = [self._title, _bounded_path(heading_path), self._openings.at(char_start)]
        return "\n".join(part for part in parts if part)


def opening_in(context: str, filename: str, heading_path: Sequence[str]) -> list[str]:
    """The lines of a context that are about the block, without file name and headings."""
    others = {title_of(filename), _bounded_path(heading_path)}
    return [line for line in context.split("\n") if line and line not in others]


def title_of(filename: str) -> str:
    """The words of a file name, without an extension that names the format."""
    stem, dot, extension = filename.rpartition(".")
    name = stem if stem and f"{dot}{extension}".lower() in EXTENSIONS else filename
    return _cut(" ".join(name.replace("_", " ").split()), MAX_TITLE_CHARS)


def _bounded_path(heading_path: Sequence[str]) -> str:
    """The headings, outermost first; of too many the outermost and the innermost ones."""
    steps = [_cut(step, _MAX_STEP_CHARS) for step in heading_path]
    while len(_STEP.join(steps)) > MAX_PATH_CHARS:
        del steps[len(steps) // 2]
    return _STEP.join(steps)


def _cut(words: str, most: int) -> str:
    if len(words) <= most:
        return words
    whole, _, _ = words[: most + 1].rpartition(" ")
    return whole.rstrip() if len(whole) > most // 2 else words[:most]
