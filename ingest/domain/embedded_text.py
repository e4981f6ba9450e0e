"""What is embedded of a passage: where it stands, and its words without marks.

A row of ``document_chunks`` keeps the context and the plain text, so ``embedded_text`` gives the
same text again at any time. A change here needs a new label of the splitter, and old rows need the
rule they were made with: those without a context are embedded as they are.
"""

import re

SEPARATOR = "\n\n"
"""Stands between context and words; tokenizers never join what is before and after it."""
DATA_URI = re.compile(r"data:[a-z]+/[\w.+-]+[;,][^\s\"'()<>]*")
_RUN_CHARS = 512
ENCODED = re.compile(rf"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{{{_RUN_CHARS},}}={{0,2}}")
MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])", re.DOTALL)
_REPEATED = "-=_*.~#+·•─━═…"
_RUNS = ("----", "====", "____", "****", "....", ". . . .")
_WIDE_RUNS = ("────", "····", "……", "════", "━━━━")
"""What is looked for first, because that is faster."""
_RUN = re.compile(rf"([{re.escape(_REPEATED)}])(?:[ \t]?\1){{3,}}")
RULE_ROW = re.compile(r"^[ \t]*[|:-][-:| \t]*$\n?", re.MULTILINE)
"""A line that may separate the head of a Markdown table from its rows: see ``is_rule_row``."""
_FRAMED_ROW = re.compile(r"^[ \t]*(?:\|[^\n]*\|[^\n]*|[^|\n]*\|[^\n]*\|[ \t]*)$", re.MULTILINE)
_BARE_TABLE = re.compile(
    r"^[^\n|]+\|[^\n]*\n[ \t]*:?-[-: \t]*\|[-:| \t]*(?:\n[^\n|]*\|[^\n]*)*$", re.MULTILINE
)


def embedded_text(context: str | None, text: str) -> str:
    """The exact text that is sent to the embedder.

    Args:
        context: What stands in front; None: the text is sent as it is, as old splitters did.
        text: The passage.
    """
    if context is None:
        return text
    return joined(context, words_of(text)) or text


def joined(context: str, words: str) -> str:
    """Context and words, as they are embedded; empty where both are."""
    return f"{context}{SEPARATOR}{words}" if context and words else context or words


def words_of(text: str) -> str:
    """A passage without encoded data, the frames of Markdown tables, and runs of punctuation."""
    if "data:" in text:
        text = DATA_URI.sub(" ", text)
    if _may_hold_data(text):
        text = ENCODED.sub(lambda run: " " if MIXED.match(run[0]) else run[0], text)
    if "|" in text:
        text = _without_frames(text)
    if any(run in text for run in _RUNS) or (
        not text.isascii() and any(run in text for run in _WIDE_RUNS)
    ):
        text = _RUN.sub(" ", text)
    return text.strip()


def cells_of(row: str) -> str:
    """The words of one row of a Markdown table."""
    if "\\|" in row:  # a parsed text holds no NUL
        row = row.replace("\\|", "\0").replace("|", " ").replace("\0", "|")
    else:
        row = row.replace("|", " ")
    return " ".join(row.split())


def is_rule_row(line: str) -> bool:
    """Whether a line is what separates the head of a Markdown table from its rows."""
    return "|" in line and "-" in line and bool(RULE_ROW.fullmatch(line))


def _may_hold_data(text: str) -> bool:
    """Whether there may be a run of _RUN_CHARS, which would fill one of these parts."""
    size = _RUN_CHARS // 2
    parts = (text[at : at + size] for at in range(0, len(text) - size + 1, size))
    return any(" " not in part and "\n" not in part for part in parts)


def _without_frames(text: str) -> str:
    text = _BARE_TABLE.sub(lambda table: _cells_by_line(table[0]), text)
    text = RULE_ROW.sub(lambda row: "" if is_rule_row(row[0].rstrip("\n")) else row[0], text)
    return _FRAMED_ROW.sub(lambda row: cells_of(row[0]), text)


def _cells_by_line(table: str) -> str:
    lines = table.split("\n")
    return "\n".join(cells_of(line) for line in lines if not is_rule_row(line))
