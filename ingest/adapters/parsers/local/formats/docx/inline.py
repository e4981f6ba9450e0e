"""The text of paragraphs as Word shows it, and what hangs on them: boxes, charts, pictures."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from ingest.adapters.parsers.local.formats.docx.styles import Styles, switch, value
from ingest.adapters.parsers.local.formats.office.drawing_texts import alternative, raised
from ingest.adapters.parsers.local.formats.office.omml import formula, join_seams
from ingest.adapters.parsers.local.formats.office.symbols import symbol
from ingest.adapters.parsers.local.formats.trees import (
    Element,
    child,
    local_attribute,
    local_name,
)

_KNOWN_NAMESPACES = (
    "http://schemas.openxmlformats.org/",
    "http://purl.oclc.org/ooxml/",
    "http://schemas.microsoft.com/",
    "urn:schemas-microsoft-com:",
)
"""Elements of others are left out, as Word does."""
_NO_TEXT = frozenset({"pPr", "rPr", "sdtPr", "sectPr", "tblPr", "tblGrid", "trPr", "tcPr"})
_NO_TEXT |= {"instrText", "delText", "delInstrText", "rubyPr"}
_DELETED = frozenset({"del", "moveFrom"})
_CHARACTERS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_PRIVATE_USE = re.compile("[\uf000-\uf0ff]")

Extra = str | Element
"""An alternative text, or an element beside the text: a box, a chart, a diagram."""


@lru_cache(maxsize=4096)
def _name_of(tag: str) -> str:
    """The local name of a tag; '' for namespaces that Word does not know."""
    space, _, name = tag.rpartition("}")
    return name if space[1:].startswith(_KNOWN_NAMESPACES) else ""


def name_of(element: Element) -> str:
    """The local name of an element; '' when its namespace is foreign."""
    return _name_of(element.tag)


def text_length(element: Element) -> int:
    """Characters in the text runs below an element, other than blanks."""
    return sum(_length(run.text or "") for run in element.iter("{*}t") if _is_word(run.tag))


def _length(text: str) -> int:
    return len(text) - text.count(" ")


@lru_cache(maxsize=256)
def _is_word(tag: str) -> bool:
    """Whether a tag is one of Word's own."""
    return "wordprocessingml" in tag.rpartition("}")[0]


class InlineReader:
    """Reads the text of paragraphs and counts what it leaves out."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self.hidden_chars = 0
        self.accounted_chars = 0
        """Characters that were read, or left out for a known reason."""
        self.unknown_symbols = 0
        self.pictures = 0
        """Pictures without an alternative text."""
        self._before = ""
        self._hidden = False
        self._readings: list[str] = []
        self._special: dict[str, Callable[[Element, list[Extra]], Iterator[str]]] = {
            "r": self._run,
            "t": self._plain,
            "sym": self._symbol,
            "ruby": self._ruby,
            "sdt": self._control,
            "oMath": self._formula,
            "oMathPara": self._formula,
            "AlternateContent": self._alternatives,
            "drawing": self._drawing,
            "pict": self._drawing,
            "object": self._drawing,
            "ffData": self._form_field,
        }

    def paragraph(self, paragraph: Element, extras: list[Extra], *, hidden: bool = False) -> str:
        """The text of a paragraph; what hangs on it is added to ``extras``."""
        outer = self._before, self._hidden, self._readings
        self._before, self._hidden, self._readings = "", hidden, []
        text = join_seams("".join(self.pieces(paragraph, extras)))
        if self._readings:
            text += f" ({', '.join(self._readings)})"
        self._before, self._hidden, self._readings = outer
        return text

    def pieces(self, element: Element, extras: list[Extra]) -> Iterator[str]:
        """The texts below an element."""
        for part in element:
            name = _name_of(part.tag)
            special = self._special.get(name)
            if special is not None:
                yield from special(part, extras)
            elif name in _CHARACTERS:
                if not self._hidden:
                    yield _CHARACTERS[name]
            elif name == "txbxContent":
                extras.append(part)
            elif name == "textpath":  # WordArt
                yield part.get("string") or ""
            elif name in _DELETED or not name:
                self.accounted_chars += text_length(part)
            elif name not in _NO_TEXT:
                yield from self.pieces(part, extras)

    def chosen(self, alternatives: Element) -> Iterator[Element]:
        """The first of the alternatives with any content; the others are left out."""
        found = next((branch for branch in alternatives if len(branch)), None)
        for branch in alternatives:
            if branch is found:
                yield branch
            else:
                self.leave_out(branch)

    def leave_out(self, element: Element) -> None:
        """Note that the text of an element is left out on purpose."""
        self.accounted_chars += text_length(element)

    def _run(self, run: Element, extras: list[Extra]) -> Iterator[str]:
        properties = run[0] if len(run) and _name_of(run[0].tag) == "rPr" else None
        if properties is None:
            for text in self.pieces(run, extras):
                self._before = text or self._before
                yield text
            return
        outer = self._hidden
        hides = self._styles.hides(properties)
        self._hidden = outer if hides is None else hides
        place = value(properties, "vertAlign")
        for piece in self.pieces(run, extras):
            text = raised(piece, self._before, place) if place else piece
            self._before = text or self._before
            yield text
        self._hidden = outer

    def _plain(self, element: Element, _extras: list[Extra]) -> Iterator[str]:
        text = element.text or ""
        if _is_word(element.tag):
            count = _length(text)
            self.accounted_chars += count
            if self._hidden:
                self.hidden_chars += count
                return
        if _PRIVATE_USE.search(text):
            run = element.getparent()
            text = _PRIVATE_USE.sub(lambda match: self._private(match[0], run), text)
        yield text

    def _private(self, char: str, run: Element | None) -> str:
        fonts = child(run, "rPr", "rFonts")
        font = None if fonts is None else local_attribute(fonts, "ascii")
        return self._shown_symbol(font or "Symbol", ord(char))

    def _symbol(self, element: Element, _extras: list[Extra]) -> Iterator[str]:
        code = local_attribute(element, "char") or ""
        if self._hidden:
            return
        try:
            yield self._shown_symbol(local_attribute(element, "font") or "", int(code, 16))
        except ValueError:
            self.unknown_symbols += 1

    def _shown_symbol(self, font: str, code: int) -> str:
        char = symbol(font, code)
        self.unknown_symbols += char == "\N{REPLACEMENT CHARACTER}"
        return char

    def _ruby(self, element: Element, extras: list[Extra]) -> Iterator[str]:
        """The base in its place, its reading at the end: the word stays whole."""
        reading, base = child(element, "rt"), child(element, "rubyBase")
        shown = "".join(self.pieces(base, extras)) if base is not None else ""
        above = "".join(self.pieces(reading, extras)) if reading is not None else ""
        if shown and above and not self._hidden:
            self._readings.append(f"{shown}: {above}")
            yield shown
        else:
            yield shown or above

    def _control(self, element: Element, extras: list[Extra]) -> Iterator[str]:
        if shows_placeholder(element):
            self.leave_out(element)
        else:
            yield from self.pieces(element, extras)

    def formula(self, element: Element) -> str:
        """The text of a formula that stands outside paragraphs."""
        return join_seams("".join(self._formula(element, []))).strip()

    def _formula(self, element: Element, _extras: list[Extra]) -> Iterator[str]:
        self.accounted_chars += text_length(element)
        if not self._hidden:
            yield formula(element)

    def _alternatives(self, element: Element, extras: list[Extra]) -> Iterator[str]:
        for branch in self.chosen(element):
            yield from self.pieces(branch, extras)

    def _drawing(self, element: Element, extras: list[Extra]) -> Iterator[str]:
        """Boxes and WordArt in a drawing; charts and diagrams; else its alternative text."""
        alternatives: list[str] = []
        pictures = 0
        for part in element.iter():
            name = _name_of(part.tag)
            if name in {"docPr", "cNvPr"}:
                alternatives += [part.get("title") or "", part.get("descr") or ""]
            elif name in {"shape", "rect", "group"} and part.get("alt"):
                alternatives.append(part.get("alt") or "")
            elif name in {"chart", "relIds"}:
                extras.append(part)
            pictures += name in {"blip", "imagedata"}
        boxes = len(extras)
        text = "".join(self.pieces(element, extras))
        if text:
            yield f"\n{text}\n"
        shown = alternative(*alternatives)
        if shown and len(extras) == boxes and not text:
            extras.append(shown)
        self.pictures += bool(pictures) and not shown

    def _form_field(self, element: Element, _extras: list[Extra]) -> Iterator[str]:
        """The choice of a list, and the state of a box: no run holds them."""
        if (options := child(element, "ddList")) is not None:
            entries = [e for e in options if local_name(e) == "listEntry"]
            chosen = value(options, "result") or "0"
            if chosen.isdecimal() and int(chosen) < len(entries):
                yield local_attribute(entries[int(chosen)], "val") or ""
        elif (box := child(element, "checkBox")) is not None:
            state = switch(box, "checked")
            state = switch(box, "default") if state is None else state
            yield "☒" if state else "☐"


def shows_placeholder(control: Element) -> bool:
    """Whether a control is empty and shows what to enter."""
    return bool(switch(child(control, "sdtPr"), "showingPlcHdr"))
