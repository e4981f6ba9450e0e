"""Reads Markdown: keeps the text, and finds its headings."""

import re
from collections.abc import Iterator

from ingest.adapters.parsers.local.draft import MAX_TITLE_CHARS, Draft, clean
from ingest.adapters.parsers.local.formats.encoded_data import leave_out_data
from ingest.domain.document import Heading

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|-+)[ \t]*$")
_NOT_A_TITLE = re.compile(r"\s*(?:[-*+>|=]|\d+[.)]|#|$)|\s{4}")
_FENCE = re.compile(r"\s*(`{3,}(?=[^`]*$)|~{3,})")
_INLINE = re.compile(
    r"\\([!-/:-@\[-`{-~])"
    r"|!?\[([^\]\n]*)\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\]\n]*\])"
    r"|(\*\*|\*|`)(?=\S)([^*`\n]+)(?<=\S)\3"
)

_ATTRIBUTES = re.compile(r"[ \t]*\{[ \t]*#[\w:.-]+[^{}]*\}$")
"""The name that kramdown, Pandoc and others let an author give to a heading."""
_FRONT_MATTER = re.compile(
    r"(?P<mark>---|\+\+\+)[ \t]*\n(?P<settings>.*?)\n(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL
)
_SETTING = re.compile(r"^[\"']?[\w.-]+[\"']?[ \t]*[:=](?:\s|$)", re.MULTILINE)
_HTML_BLOCK = re.compile(
    r" {0,3}(?:(?P<raw><(?:script|pre|style|textarea)(?=[\s>]|$))|(?P<comment><!--)"
    r"|(?P<instruction><\?)|(?P<cdata><!\[CDATA\[)|(?P<declaration><![A-Za-z])"
    r"|(?P<block></?(?:address|article|aside|base|blockquote|body|caption|center|col|colgroup|dd"
    r"|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]"
    r"|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option"
    r"|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)"
    r"(?=[\s>]|/>|$))"
    r"|(?P<other></?[A-Za-z][A-Za-z0-9-]*(?:\s+[A-Za-z_:][\w.:-]*(?:\s*=\s*(?:[^\s\"'=<>`]+"
    r"|'[^']*'|\"[^\"]*\"))?)*\s*/?>[ \t]*$))",
    re.IGNORECASE,
)
_BLANK_LINE = re.compile(r"^\s*$")
_BLOCK_ENDS = {
    "raw": re.compile(r"</(?:script|pre|style|textarea)>", re.IGNORECASE),
    "comment": re.compile(r"-->"),
    "instruction": re.compile(r"\?>"),
    "cdata": re.compile(r"\]\]>"),
    "declaration": re.compile(r">"),
}


def parse_markdown(text: str, draft: Draft) -> None:
    """Read CommonMark.

    Headings have # marks or an underline, and are outside fenced code, HTML blocks, comments and
    front matter. An underline becomes # marks, so that a heading is known by its own line wherever
    the text is cut. Encoded pictures are left out.
    """
    block = _marked(leave_out_data(clean(text).strip("\n"), draft))
    draft.add_outlined(block, _headings(block))


def _marked(text: str) -> str:
    """The text with # marks before each underlined heading, and without the underline."""
    parts: list[str] = []
    end = 0
    for heading in _headings(text):
        start = heading.char_start
        if text[start] == "#":
            continue
        title, _, rest = text[start:].partition("\n")
        parts += text[end:start], "#" * heading.level, " ", title
        end = start + len(title) + 1 + len(rest.partition("\n")[0])
    return "".join([*parts, text[end:]])


def _headings(text: str) -> Iterator[Heading]:
    before, above, above_at = "", "", 0
    for at, line in _lines(text):
        if heading := _ATX.match(line):
            if title := _title(heading[2]):
                yield Heading(at + heading.start(1), len(heading[1]), title)
        elif (under := _UNDERLINE.match(line)) and not (before or _NOT_A_TITLE.match(above)):
            indent = len(above) - len(above.lstrip())
            if title := _title(above):
                yield Heading(above_at + indent, 1 if under[1] else 2, title)
        before, above, above_at = above.strip(), line, at


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their positions; those of code, HTML and front matter are blank."""
    at = len(_front_matter(text))
    fence, above = "", ""
    html: re.Pattern[str] | None = None
    for line in text[at:].split("\n"):
        shown = ""
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        elif html:
            html = None if html.search(line) else html
        elif mark:
            fence = mark[1]
        elif opened := _html_block(line, above):
            html = None if opened[1].search(line, opened[0]) else opened[1]
        else:
            shown = line
        yield at, shown
        above = shown
        at += len(line) + 1


def _front_matter(text: str) -> str:
    """Settings between two lines of marks at the very start, with their last line end."""
    found = _FRONT_MATTER.match(text)
    return found[0] if found and _SETTING.search(found["settings"]) else ""


def _html_block(line: str, above: str) -> tuple[int, re.Pattern[str]] | None:
    """Where an HTML block that begins in a line may end: the place in the line, and the end."""
    found = _HTML_BLOCK.match(line)
    if not found:
        return None
    kind = found.lastgroup or ""
    if kind == "other" and above.strip():
        return None  # it does not interrupt a paragraph
    return found.end(), _BLOCK_ENDS.get(kind, _BLANK_LINE)


def _title(raw: str) -> str:
    """Remove closing marks, escapes and inline mark-up of a heading; '' when it is too long."""
    bare = raw.rstrip(" \t")
    if len(bare) <= MAX_TITLE_CHARS:
        bare = _ATTRIBUTES.sub("", bare)
    unmarked = bare.rstrip("#")
    if not unmarked or unmarked[-1] in " \t":
        bare = unmarked
    if len(bare) > MAX_TITLE_CHARS:
        return ""
    return _INLINE.sub(lambda found: found[1] or found[2] or found[4] or "", bare).strip()
