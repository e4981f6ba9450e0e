"""Reads LaTeX: its sections as headings, its tables, and its words without most mark-up."""

import re
import unicodedata
from collections.abc import Callable, Iterator

from ingest.adapters.parsers.local.draft import Draft, clean

_LEVELS = {
    "title": 1,
    "part": 1,
    "chapter": 1,
    "section": 2,
    "subsection": 3,
    "subsubsection": 4,
    "paragraph": 5,
    "subparagraph": 6,
}
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%[^\n]*")
_VERBATIM = re.compile(r"\\begin\{(verbatim\*?|lstlisting|minted|Verbatim)\}")
_BODY = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|\Z)", re.DOTALL)
_HEADING = re.compile(rf"\\({'|'.join(_LEVELS)})\*?\s*(?=[\[{{])")
_TABLE = re.compile(r"\\begin\{(tabular[x*]?|longtable)\}")
_COLUMNS = re.compile(r"(?:\s*\[[^\]]*\])?(?:\s*\{(?:[^{}]|\{[^{}]*\})*\}){1,2}")
_ROW_END = re.compile(r"\\\\(?:\[[^\]]*\])?|\\tabularnewline\b")
_RULES = re.compile(r"\\(?:hline|toprule|midrule|bottomrule|endhead|endfirsthead|endfoot)\b")
_PARTIAL_RULES = re.compile(r"\\(?:cline|cmidrule)(?:\([^)]*\))?\{[^}]*\}")
_MULTICOLUMN = re.compile(r"\\multicolumn\{(\d{1,3})\}\{[^}]*\}\{((?:[^{}]|\{[^{}]*\})*)\}")
_LETTER_ACCENT = re.compile(r"\\([uvHckr])\{\\?([A-Za-z])\}|\\([uvHckr])\s+([A-Za-z])\b")
_MARKS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    '"': "\u0308",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "k": "\u0328",
    "r": "\u030a",
}
_LETTERS = {
    "ss": "ß",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "o": "ø",
    "O": "Ø",
    "aa": "å",
    "AA": "Å",
    "l": "ł",
    "L": "Ł",
    "i": "ı",
    "S": "§",
    "P": "¶",
    "copyright": "©",
    "ldots": "…",
    "dots": "…",
    "textendash": "–",
    "textemdash": "—",
    "textbackslash": "\\",
    "euro": "€",
    "texteuro": "€",
    "pounds": "£",
    "and": ",",
    "LaTeX": "LaTeX",
    "TeX": "TeX",
}
_LETTER = re.compile(
    rf"\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?![A-Za-z])\s?(?:\{{\}})?"
)
_STYLE = re.compile(
    r"\\(?:emph|text(?:bf|it|tt|sc|rm|sf|sl|up|md|normal)|underline|mbox|caption\*?|enquote|url"
    r"|author|date|thanks)(?:\[[^\]]*\])?\{((?:[^{}]|\{[^{}]*\})*)\}"
)
_FOOTNOTE = re.compile(r"\\footnote\{((?:[^{}]|\{[^{}]*\})*)\}")
_LINK = re.compile(r"\\href\{([^{}]*)\}\{((?:[^{}]|\{[^{}]*\})*)\}")
_DROPPED = re.compile(
    r"\\(?:label|vspace\*?|hspace\*?|pagestyle|thispagestyle|bibliographystyle|usepackage"
    r"|documentclass|newpage|clearpage|maketitle|tableofcontents|centering|noindent|small"
    r"|footnotesize|large|Large|bigskip|medskip|smallskip|par)(?![A-Za-z])(?:\[[^\]]*\])?(?:\{[^{}]*\})?"
)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[A-Za-z]+\*?\}(?:\[[^\]\n]*\])?(?:\{[^{}\n]*\})?")
_MATH = re.compile(
    r"\$\$|(?<!\\)\$|\\\[|\\\("
    r"|\\begin\{((?:equation|align|gather|multline|eqnarray|displaymath|math)\*?)\}"
)
_MATH_ENDS = {"$$": "$$", "$": "$", "\\[": "\\]", "\\(": "\\)"}
_KEPT = re.compile("\x02(\\d+)\x03")
_MAX_PASSES = 5


def parse_latex(text: str, draft: Draft) -> None:
    """Read a document; formulas and unknown commands stay as they are written."""
    _Latex(draft).read(clean(text).replace("\x02", "").replace("\x03", ""))


class _Latex:
    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._kept: list[str] = []

    def read(self, text: str) -> None:
        """Write the title and what is in the document's body, section by section."""
        text = "".join(
            part if inner is None else self._keep(f"```\n{inner.strip(chr(10))}\n```")
            for part, inner in _spans(text, _VERBATIM, _environment_end)
        )
        text = _COMMENT.sub(r"\1", text)
        body = _BODY.search(text)
        if body:
            for head in _HEADING.finditer(text[: body.start()]):
                if head[1] == "title":
                    self._draft.add_heading(1, self._plain(_argument(text, head.end())[0]))
            for name in ("author", "date"):
                if (at := text[: body.start()].find(f"\\{name}{{")) >= 0:
                    self._draft.add(self._plain(_argument(text, at + len(name) + 1)[0]))
            text = body[1]
        at = 0
        while found := _HEADING.search(text, at):
            self._write(text[at : found.start()])
            title, at = _argument(text, found.end())
            self._draft.add_heading(_LEVELS[found[1]], self._plain(title))
        self._write(text[at:])

    def _write(self, text: str) -> None:
        for part, inner in _spans(text, _TABLE, _environment_end):
            if inner is None:
                self._write_text(part)
            else:
                self._write_table(inner)

    def _write_text(self, text: str) -> None:
        for block in re.split(r"\n[ \t]*\n", self._plain(text)):
            if block.strip():
                self._draft.add("\n".join(line.strip() for line in block.strip().split("\n")))

    def _write_table(self, content: str) -> None:
        columns = _COLUMNS.match(content)
        content = content[columns.end() :] if columns else content
        content = _PARTIAL_RULES.sub("", _RULES.sub("", content))
        content = _MULTICOLUMN.sub(lambda m: m[2] + "&" * (int(m[1]) - 1), content)
        rows = [
            [self._plain(cell).strip() for cell in re.split(r"(?<!\\)&", row)]
            for row in _ROW_END.split(content)
        ]
        width = max(map(len, rows))
        self._draft.add_table([*row, *[""] * (width - len(row))] for row in rows)

    def _keep(self, text: str) -> str:
        self._kept.append(text)
        return f"\x02{len(self._kept) - 1}\x03"

    def _plain(self, text: str) -> str:
        text = "".join(
            part if inner is None else self._keep(part)
            for part, inner in _spans(text, _MATH, _math_end)
        )
        text = _letters(text)
        for _ in range(_MAX_PASSES):  # styles inside styles
            before = text
            text = _FOOTNOTE.sub(r" (\1)", text)
            text = _LINK.sub(r"\2 (\1)", text)
            text = _STYLE.sub(r"\1", text)
            if text == before:
                break
        text = re.sub(r"\\item\s*\[([^\]]*)\]", r"- \1:", text)
        text = re.sub(r"\\item\b\s*", "- ", text)
        text = _ENVIRONMENT.sub("", _DROPPED.sub("", text))
        text = re.sub(r"\\\\(?:\[[^\]]*\])?", "\n", text)
        text = re.sub(r"\\([%&_$#{}])", r"\1", re.sub(r"(?<!\\)[{}]", "", text))
        text = re.sub(r"[ \t]{2,}", " ", text.replace("~", " ").replace("\\,", " "))
        return _KEPT.sub(lambda m: self._kept[int(m[1])], text)


def _environment_end(begin: re.Match[str]) -> str:
    return f"\\end{{{begin[1]}}}"


def _math_end(begin: re.Match[str]) -> str:
    return _MATH_ENDS.get(begin[0]) or _environment_end(begin)


def _spans(
    text: str, begin: re.Pattern[str], end_of: Callable[[re.Match[str]], str]
) -> Iterator[tuple[str, str | None]]:
    """Parts of a text; with what is inside for those from a begin to its end, else None.

    An end that is missing once is not looked for again, so that time grows with the text only.
    """
    at = search = 0
    missing: set[str] = set()
    while found := begin.search(text, search):
        end = end_of(found)
        place = -1 if end in missing else text.find(end, found.end())
        blank = place >= 0 and end == "$" and "\n\n" in text[found.end() : place]
        if place < 0 or blank:
            missing |= {end} if place < 0 else set()
            search = found.end()
            continue
        yield text[at : found.start()], None
        at = search = place + len(end)
        yield text[found.start() : at], text[found.end() : place]
    yield text[at:], None


def _letters(text: str) -> str:
    def accented(found: re.Match[str]) -> str:
        groups = [group for group in found.groups() if group]
        return unicodedata.normalize("NFC", groups[1] + _MARKS[groups[0]])

    text = _LETTER_ACCENT.sub(accented, text)
    text = re.sub(r"\\([`'^\"~=.])\s*(?:\{\\?([A-Za-z])\}|\\?([A-Za-z]))", accented, text)
    text = _LETTER.sub(lambda m: _LETTERS[m[1]], text)
    text = text.replace("``", "“").replace("''", "”")
    return text.replace("---", "—").replace("--", "–")


def _argument(text: str, at: int) -> tuple[str, int]:
    """The argument in braces at this place, after one in brackets, and where it ends."""
    if text.startswith("[", at):
        at = text.find("]", at) + 1 or len(text)
    start = text.find("{", at)
    if start < 0:
        return "", len(text)
    depth = 0
    for place in range(start, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
            if depth == 0:
                return text[start + 1 : place], place + 1
    return text[start + 1 :], len(text)
