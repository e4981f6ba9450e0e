"""Leaves out encoded data in a text: pictures as data URIs, and long base64."""

import re

from ingest.adapters.parsers.local.draft import Draft
from ingest.domain.parse_warning import WarningCode

_DATA_URI = re.compile(
    r"(?P<open>!\[(?P<alt>[^\]\n]*)\]\(\s*<?)?"
    r"data:(?P<kind>[\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+(?:=[^;,\s\"'()<>]*)?)*;base64,"
    r"(?P<body>[A-Za-z0-9+/=%_-]{64,}(?:[ \t]*\r?\n[ \t]*[A-Za-z0-9+/=%_-]{20,})*)"
    r"(?(open)>?(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)?)",
    re.I,
)
_LONG_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])"
    r"(?:[A-Za-z0-9+/_-]{60,}[ \t]*\r?\n[ \t]*){3,}[A-Za-z0-9+/_-]{1,}={0,2}(?![A-Za-z0-9+/])"
    r"|(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{400,}={0,2}"
)
_RUN = b"a" * 60
_RUN_TABLE = re.sub(
    rb"[A-Za-z0-9+/_-]", b"a", re.sub(rb"[^A-Za-z0-9+/_-]", b" ", bytes(range(256)))
)
_MIN_SHARES = ((re.compile("[A-Z]"), 0.15), (re.compile("[a-z]"), 0.1), (re.compile("[0-9]"), 0.03))
_MIN_LETTERS = 12
_MOST_SAMPLED = 4096


def leave_out_data(text: str, draft: Draft) -> str:
    """Replace encoded data in a text by a short mark, with a warning."""
    left_out = 0

    def replaced_uri(found: re.Match[str]) -> str:
        nonlocal left_out
        left_out += 1
        what = (found["kind"] or "data").lower()
        mark = "image" if what.startswith("image/") or found["open"] else "data"
        alt = (found["alt"] or "").strip()
        return f"[{mark}: {alt}]" if alt else f"[{mark}]"

    def replaced_run(found: re.Match[str]) -> str:
        nonlocal left_out
        data, last = _without_word(found[0])
        if not _is_base64(data):
            return found[0]
        left_out += 1
        return f"[data]{last}"

    if "base64," in text or "BASE64," in text:
        text = _DATA_URI.sub(replaced_uri, text)
    if _has_long_run(text):
        text = _LONG_BASE64.sub(replaced_run, text)
    if left_out:
        draft.warn(
            WarningCode.DATA_LEFT_OUT,
            f"encoded data in the text was left out in {left_out} places",
        )
    return text


def _without_word(run: str) -> tuple[str, str]:
    """Split a last line off that does not fill up the encoded data, such as a word below it."""
    data, line_end, last = run.rpartition("\n")
    chars = len("".join(run.split()))
    if data and (chars % 4 or (last.strip().isalpha() and len(last.strip()) < _MIN_LETTERS)):
        return data, line_end + last
    return run, ""


def _has_long_run(text: str) -> bool:
    """Whether the slower search can find anything, in a tenth of its time."""
    return _RUN in text.encode("utf-8", "surrogatepass").translate(_RUN_TABLE)


def _is_base64(run: str) -> bool:
    """Whether letters and digits are mixed as in encoded bytes, not as in words or numbers."""
    sample = "".join(run.split())[:_MOST_SAMPLED]
    return len(set(sample)) >= _MIN_LETTERS and all(
        len(kind.findall(sample)) >= share * len(sample) for kind, share in _MIN_SHARES
    )
