"""Shows numbers as a cell's number format does (ECMA-376 Part 1, 18.8.30 and 18.8.31).

Dates are the exception: they come as ISO 8601 (``2026-07-02``), whatever their order on the sheet,
because a reader without the sheet cannot tell the 2nd of July from the 7th of February.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property, lru_cache

from ingest.adapters.parsers.local.formats.office.dates import SERIAL_LIMIT, iso_date, show_time

GENERAL = "General"
_DATES = (14, 15, 16, 17, *range(27, 32), 36, *range(50, 59))
BUILT_IN = dict.fromkeys(_DATES, "yyyy-mm-dd") | {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: "#,##0",
    6: "#,##0",
    7: "#,##0.00",
    8: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    32: "h:mm",
    33: "h:mm:ss",
    34: "h:mm AM/PM",
    35: "h:mm:ss AM/PM",
    37: "#,##0;(#,##0)",
    38: "#,##0;(#,##0)",
    39: "#,##0.00;(#,##0.00)",
    40: "#,##0.00;(#,##0.00)",
    41: "#,##0",
    42: "#,##0",
    43: "#,##0.00",
    44: "#,##0.00",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
}
"""Formats that a file names by number only; 5 to 8, 42 and 44 also show the reader's currency."""

_TOKENS = re.compile(
    r"""
    "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<space>.) | \*(?P<fill>.)
    | \[(?P<bracket>[^\]]*)\] | (?P<general>General) | (?P<ampm>AM/PM|A/P)
    | (?P<exponent>E[+-]) | (?P<fraction_of_second>(?<=s)\.0+) | (?P<date>y+|m+|d+|h+|s+|e+|g+|b+)
    | (?P<digit>[0#?]) | (?P<mark>[.,%/@]) | (?P<literal>.)
    """,
    re.X | re.I | re.S,
)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[\d.]+)")
_ELAPSED = re.compile(r"h+|m+|s+", re.I)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
}
_PRECISION_DIGITS = 15
_MAX_DECIMALS = 30
"""The application's own limit; a longer format must not cost more."""

Token = tuple[str, str]
"""Kind (``literal``, ``digit``, ``mark``, ``date``, ``elapsed`` …) and text."""


def show_general(value: float) -> str:
    """Show a number without a format: at most 15 digits, as the application keeps them."""
    if value == int(value) and abs(value) < 10**_PRECISION_DIGITS:
        return str(int(value))
    return f"{value:.15g}".replace("e", "E")


class NumberFormat:
    """One format code, compiled."""

    def __init__(self, code: str, *, date1904: bool = False) -> None:
        self._sections = [_Section(tokens) for tokens in _split(code)]
        self._date1904 = date1904

    def show(self, value: float) -> str:
        """Show a number; what the format cannot show comes without a format."""
        section, signed = self._choose(value)
        if section is None:
            return show_general(value)
        try:
            text = section.show(value if signed else abs(value), date1904=self._date1904)
        except (ArithmeticError, ValueError):
            text = None
        # A format such as ;;; hides a value from the eye only.
        hidden = text is None or not (text.strip() or value == 0)
        return show_general(value) if text is None or hidden else text.strip()

    def _choose(self, value: float) -> tuple["_Section | None", bool]:
        """The section for a number, and whether it shows the minus itself."""
        numeric = self._sections[:3]
        if any(section.condition for section in numeric):
            for section in numeric:
                if section.condition is None or section.condition(value):
                    return section, True
            return None, True
        if value < 0 and len(numeric) > 1:
            return numeric[1], False
        if value == 0 and len(numeric) > 2:
            return numeric[2], True
        return numeric[0], True


def _split(code: str) -> list[list[Token]]:
    sections: list[list[Token]] = [[]]
    for match in _TOKENS.finditer(code):
        kind = match.lastgroup or "literal"
        text = match[kind]
        if kind == "literal" and text == ";":
            sections.append([])
        elif kind == "bracket":
            sections[-1] += _bracket(text)
        elif kind == "space":
            sections[-1].append(("literal", " "))
        elif kind in {"quoted", "escaped"}:
            sections[-1].append(("literal", text))
        elif kind != "fill":
            sections[-1].append((kind, text))
    return sections


def _bracket(text: str) -> list[Token]:
    if text.startswith("$"):
        return [("literal", text[1:].partition("-")[0])]
    if _ELAPSED.fullmatch(text):
        return [("elapsed", text.lower())]
    return [("condition", text)] if _CONDITION.fullmatch(text) else []


@dataclass
class _Section:
    """One of the parts of a format between semicolons."""

    tokens: list[Token]

    @cached_property
    def condition(self) -> Callable[[float], bool] | None:
        """The condition in brackets, such as ``[>=100]``."""
        found = next((text for kind, text in self.tokens if kind == "condition"), None)
        match = _CONDITION.fullmatch(found) if found else None
        if match is None:
            return None
        compare, limit = _COMPARE[match[1]], float(match[2])
        return lambda value: compare(value, limit)

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(kind for kind, _ in self.tokens)

    @cached_property
    def _body(self) -> list[Token]:
        return [token for token in self.tokens if token[0] != "condition"]

    def show(self, value: float, *, date1904: bool) -> str | None:
        if self._kinds & {"date", "elapsed"}:
            return self._show_date(value, date1904=date1904)
        if "general" in self._kinds:
            return self._join({"general": show_general(value)})
        if ("mark", "@") in self._body and "digit" not in self._kinds:
            return self._join({"mark": show_general(value)})
        if "digit" not in self._kinds:
            return ("-" if value < 0 else "") + self._join({})
        if self._simple is not None:
            return self._simple.show(value)
        if ("mark", "/") in self._body:
            return _show_fraction(self._body, value)
        return _show_number(self._body, value)

    @cached_property
    def _simple(self) -> "_Simple | None":
        return _simple_form(self._body)

    def _join(self, texts: dict[str, str]) -> str:
        return "".join(
            text if kind == "literal" else texts.get(kind, "") for kind, text in self._body
        )

    def _show_date(self, value: float, *, date1904: bool) -> str | None:
        names = {text[0].lower() for kind, text in self._body if kind == "date"}
        clock = bool(names & {"h", "s"}) or "elapsed" in self._kinds
        dated = bool(names & {"y", "d", "e", "g", "b"}) or ("m" in names and not clock)
        if not dated:
            return show_time(self._body, value)
        if not 0 <= value < SERIAL_LIMIT:
            return None
        if names == {"y"}:
            return iso_date(value, date1904=date1904)[:4]
        day = iso_date(value, date1904=date1904)
        if not clock:
            return day
        seconds = [("literal", ":"), ("date", "ss")] if "s" in names else []
        time = show_time([("date", "hh"), ("literal", ":"), ("date", "mm"), *seconds], value)
        return time if value < 1 and not date1904 else f"{day} {time}"


_SIMPLE = re.compile(r"(?P<group>#,##)?0(?:\.(?P<decimals>0+))?(?P<percent>%?)")


@dataclass(frozen=True, slots=True)
class _Simple:
    """The form of most numbers, which needs no look at each place: ``#,##0.00``, ``0%``."""

    before: str
    after: str
    grouped: bool
    decimals: int
    percent: bool

    def show(self, value: float) -> str:
        number = abs(_exact(value)).scaleb(2) if self.percent else abs(_exact(value))
        rounded = _rounded(number, self.decimals)
        digits = f"{rounded:,f}" if self.grouped else f"{rounded:f}"
        sign = "-" if value < 0 and rounded else ""
        return f"{sign}{self.before}{digits}{self.after}"


def _simple_form(tokens: list[Token]) -> _Simple | None:
    plain = [i for i, (kind, _) in enumerate(tokens) if kind != "literal"]
    if not plain:
        return None
    inner = tokens[plain[0] : plain[-1] + 1]
    match = _SIMPLE.fullmatch("".join(text for _, text in inner))
    if match is None or any(kind not in {"digit", "mark"} for kind, _ in inner):
        return None
    return _Simple(
        before="".join(text for _, text in tokens[: plain[0]]),
        after=match["percent"] + "".join(text for _, text in tokens[plain[-1] + 1 :]),
        grouped=match["group"] is not None,
        decimals=len(match["decimals"] or ""),
        percent=bool(match["percent"]),
    )


def _rounded(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-min(decimals, _MAX_DECIMALS)), ROUND_HALF_UP)


def _exact(value: float) -> Decimal:
    return Decimal(f"{value:.15g}")


def _show_number(tokens: list[Token], value: float) -> str:
    digits = [i for i, (kind, _) in enumerate(tokens) if kind == "digit"]
    point = next((i for i, t in enumerate(tokens) if t == ("mark", ".")), None)
    exponent = next((i for i, (kind, _) in enumerate(tokens) if kind == "exponent"), None)
    mantissa = [i for i in digits if exponent is None or i < exponent]
    decimals = len([i for i in mantissa if point is not None and i > point])
    whole = [i for i in mantissa if point is None or i < point]
    commas = [i for i, t in enumerate(tokens) if t == ("mark", ",")]
    grouped = any(whole and whole[0] < i < whole[-1] for i in commas)
    ends = {mantissa[-1], whole[-1]} if whole else set(mantissa[-1:])
    scaled = [
        i for i in commas if any(set(range(end + 1, i)) <= set(commas) for end in ends if i > end)
    ]
    number = abs(_exact(value)).scaleb(2 * tokens.count(("mark", "%")) - 3 * len(scaled))
    power = 0
    if exponent is not None and number:
        step = max(1, len(whole))
        power = number.adjusted() // step * step if step > 1 else number.adjusted()
        if _rounded(number.scaleb(-power), decimals).adjusted() >= step:
            power += step
        number = number.scaleb(-power)
    text = f"{_rounded(number, decimals):f}"
    integer, _, rest = text.partition(".")
    shown: dict[int, str] = _fill_integer([tokens[i][1] for i in whole], whole, integer, grouped)
    shown |= _fill_decimals([i for i in mantissa if i not in whole], tokens, rest)
    if point is not None and not whole and integer.strip("0"):
        shown[point] = f"{integer}."
    if exponent is not None:
        shown |= _fill_exponent(tokens, exponent, digits, power)
    sign = "-" if value < 0 and text.strip("0.") else ""
    return sign + "".join(_shown(tokens, shown, i) for i in range(len(tokens)))


def _shown(tokens: list[Token], shown: dict[int, str], index: int) -> str:
    kind, text = tokens[index]
    if index in shown:
        return shown[index]
    if kind == "literal" or text in {"%", "."}:
        return text
    return ""


def _fill_integer(
    holders: list[str], places: list[int], digits: str, grouped: bool
) -> dict[int, str]:
    """Put the digits before the point into their places, from the right."""
    digits = digits.lstrip("0")
    shown: dict[int, str] = {}
    for order, (holder, place) in enumerate(zip(reversed(holders), reversed(places), strict=True)):
        last = order == len(places) - 1
        if last:
            part = digits[: len(digits) - order] if len(digits) > order else ""
        else:
            part = digits[-1 - order] if len(digits) > order else ""
        part = part or ("0" if holder == "0" else " " if holder == "?" else "")
        shown[place] = _with_commas(part, order) if grouped else part
    return shown


def _with_commas(part: str, order: int) -> str:
    """Add the thousands separators to digits whose last one has ``order`` digits behind it."""
    if not part.isdecimal():
        return part
    out = ""
    for offset, digit in enumerate(reversed(part)):
        behind = order + offset
        out = digit + ("," if behind % 3 == 0 and behind else "") + out
    return out


def _fill_decimals(places: list[int], tokens: list[Token], digits: str) -> dict[int, str]:
    shown = {place: digits[i : i + 1] for i, place in enumerate(places)}
    for place in reversed(places):
        if tokens[place][1] == "0" or shown[place] != "0":
            break
        shown[place] = ""
    return shown


def _fill_exponent(
    tokens: list[Token], exponent: int, digits: list[int], power: int
) -> dict[int, str]:
    places = [i for i in digits if i > exponent]
    sign = "-" if power < 0 else "+" if tokens[exponent][1].endswith("+") else ""
    shown = {exponent: f"E{sign}", **dict.fromkeys(places, "")}
    if places:
        shown[places[0]] = str(abs(power)).zfill(len(places))
    return shown


def _show_fraction(tokens: list[Token], value: float) -> str:
    slash = tokens.index(("mark", "/"))
    before = [i for i in range(slash) if tokens[i][0] == "digit"]
    after = [t for t in tokens[slash + 1 :] if t[0] in {"digit", "literal"} and t[1].strip()]
    fixed = "".join(text for kind, text in after if text.isdecimal())
    number = abs(Fraction(_exact(value)))
    gaps = [i for i in range(slash) if tokens[i][0] == "literal" and before and i > before[0]]
    mixed = any(i < before[-1] for i in gaps) if before else False
    if fixed.strip("0"):
        denominator = int(fixed)
        top = int(number * denominator + Fraction(1, 2))
    else:
        nearest = number.limit_denominator(10 ** min(len(after), 6) - 1)
        top, denominator = nearest.numerator, nearest.denominator
    sign = "-" if value < 0 and top else ""
    if not mixed:
        return f"{sign}{top}/{denominator}"
    integer, top = divmod(top, denominator)
    if not top:
        return f"{sign}{integer}"
    return f"{sign}{integer} {top}/{denominator}" if integer else f"{sign}{top}/{denominator}"


@lru_cache(maxsize=512)
def compiled(code: str) -> NumberFormat:
    """The format of a code; the points of a chart share one."""
    return NumberFormat(code)
