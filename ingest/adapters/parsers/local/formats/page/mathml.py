"""Writes MathML as a line of text, so that fractions and exponents stay apart."""

from ingest.adapters.parsers.local.formats.page.inline import lowered, raised
from ingest.adapters.parsers.local.formats.trees import Element, local_name

_TOKENS = frozenset({"mi", "mn", "mo", "mtext", "ms"})
_SKIPPED = frozenset({"annotation", "annotation-xml", "mphantom", "maligngroup", "malignmark"})
_SPACED = frozenset("=≠<>≤≥≈≡\u223c→⇒⇔∈∉⊂⊆\u222a∩∧\u2228×·÷±+\u2212-")
_ENCLOSING = {"msqrt": "√({})", "mtr": "{}", "mlabeledtr": "{}", "mtable": "[{}]"}
_ENCLOSING_GLUE = {"msqrt": " ", "mtr": ", ", "mlabeledtr": ", ", "mtable": "; "}
_MAX_DEPTH = 100


def math_text(element: Element) -> str:
    """The formula of a ``math`` element."""
    return " ".join(_text(element, 0).split())


def _text(element: Element, depth: int) -> str:
    name = local_name(element)
    if name in _SKIPPED:
        return ""
    if depth > _MAX_DEPTH:
        return " ".join(element.itertext())
    if name in _TOKENS:
        return _token(name, " ".join((element.text or "").split()))
    parts = [_text(child, depth + 1) for child in element if isinstance(child.tag, str)]
    return _joined(name, parts, element)


def _token(name: str, text: str) -> str:
    if name == "mo" and text in _SPACED:
        return f" {text} "
    if name == "mo" and text in {"\u2061", "\u2062", "\u2063", "\u2064"}:
        return " " if text == "\u2062" else ""
    return f" {text} " if name == "mtext" else text


def _joined(name: str, parts: list[str], element: Element) -> str:
    inner = [part.strip() for part in parts]
    if name in _ENCLOSING:
        return _ENCLOSING[name].format(_ENCLOSING_GLUE[name].join(inner))
    match name, inner:
        case "mfrac", [above, below]:
            return f"{_grouped(above)}/{_grouped(below)}"
        case "msup" | "mover", [base, above]:
            return f"{_base(base)}{raised(above)}" if above else base
        case "msub" | "munder", [base, below]:
            return f"{_base(base)}{lowered(below)}" if below else base
        case "msubsup" | "munderover", [base, below, above]:
            return f"{_base(base)}{lowered(below)}{raised(above)}"
        case "mroot", [inside, index]:
            return f"root_{index}({inside})"
        case "mfenced", inside:
            opening, closing = element.get("open") or "(", element.get("close") or ")"
            return f"{opening}{', '.join(inside)}{closing}"
        case "semantics", [first, *_]:
            return first
        case _:
            return (element.text or "").strip() + _row(parts)


def _row(parts: list[str]) -> str:
    """Join the parts of a formula; numbers and words side by side are kept apart."""
    text = ""
    for part in parts:
        if text[-1:].isdigit() and part[:1].isdigit():
            text += " "
        text += part
    return text


def _grouped(text: str) -> str:
    return text if text.replace(".", "").replace(",", "").isalnum() else f"({text})"


def _base(text: str) -> str:
    is_whole = text.replace(".", "").isalnum() or len(text) == 1 or text[-1:] in {")", "]"}
    return text if is_whole else f"({text})"
