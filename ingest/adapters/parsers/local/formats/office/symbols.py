"""Maps characters of the fonts Symbol and Wingdings to Unicode."""

# ruff: noqa: RUF001  # The look-alikes of Latin letters are what the fonts hold.

_SYMBOL = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾"
    "αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼"
)
"""From 0x20; the table of Adobe."""
_SYMBOL_HIGH = (
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪"
    "\ufffd〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭"
)
"""From 0xA0."""
_WINGDINGS = {
    **dict(zip(range(0x21, 0x30), "✏✂✁👓🕭🕮🕯🕿✆🖂🖃📪📫📬📭", strict=True)),
    **dict(zip(range(0x30, 0x41), "📁📂📄🗏🗐🗄⌛🖮🖰🖲🖳🖴🖫🖬✇✍🖎", strict=True)),
    **dict(zip(range(0x41, 0x51), "✌👌👍👎☜☞☝☟🖐☺😐☹💣☠🏳🏱", strict=True)),
    **dict(zip(range(0x51, 0x5B), "✈☼💧❄🕆✞🕈✠✡☪", strict=True)),
    **dict(zip(range(0x5B, 0x6C), "☯ॐ☸♈♉♊♋♌♍♎♏♐♑♒♓🙰🙵", strict=True)),
    **dict(zip(range(0x6C, 0x80), "●❍■□🞐❑❒⬧⧫◆❖⬥⌧⮹⌘🏵🏶🙶🙷▯", strict=True)),
    **dict(zip(range(0x80, 0x8B), "⓪①②③④⑤⑥⑦⑧⑨⑩", strict=True)),
    **dict(zip(range(0x8B, 0x96), "⓿❶❷❸❹❺❻❼❽❾❿", strict=True)),
    0x9E: "·",
    0x9F: "•",
    0xA0: "▪",
    0xA1: "○",
    0xA4: "◉",
    0xA5: "◎",
    0xA7: "▪",
    0xA8: "◻",
    0xAA: "✦",
    0xAB: "★",
    0xAC: "✶",
    0xAD: "✴",
    0xAE: "✹",
    0xAF: "✵",
    **dict(zip(range(0xB7, 0xC3), "🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛", strict=True)),
    0xD5: "⌫",
    0xD6: "⌦",
    0xD8: "➢",
    0xDC: "➲",
    0xDF: "←",
    0xE0: "→",
    0xE1: "↑",
    0xE2: "↓",
    0xE3: "↖",
    0xE4: "↗",
    0xE5: "↙",
    0xE6: "↘",
    0xE7: "←",
    0xE8: "→",
    0xE9: "↑",
    0xEA: "↓",
    0xEB: "↖",
    0xEC: "↗",
    0xED: "↙",
    0xEE: "↘",
    0xEF: "⇦",
    0xF0: "⇨",
    0xF1: "⇧",
    0xF2: "⇩",
    0xF3: "⬄",
    0xF4: "⇳",
    0xFB: "✗",
    0xFC: "✓",
    0xFD: "☒",
    0xFE: "☑",
}
_WINGDINGS_2 = {
    0x4F: "✗",
    0x50: "✓",
    0x51: "☒",
    0x52: "☑",
    0x53: "☒",
    0x54: "☒",
    0x97: "●",
    0x98: "●",
    0xA3: "□",
    0xA2: "■",
}
_TABLES = {
    "symbol": {
        **{0x20 + at: char for at, char in enumerate(_SYMBOL)},
        **{0xA0 + at: char for at, char in enumerate(_SYMBOL_HIGH)},
    },
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
}
_PRIVATE = 0xF000


def symbol(font: str, code: int) -> str:
    """The character of a symbol font; U+FFFD when its meaning is not known."""
    low = code - _PRIVATE if _PRIVATE <= code < _PRIVATE + 0x100 else code
    table = _TABLES.get(font.strip().lower())
    if table is not None and low < 0x100:
        return table.get(low, "\N{REPLACEMENT CHARACTER}")
    if low < 0x20 or low > 0x10FFFF or 0xD800 <= low < 0xE000 or 0xE000 <= low < 0xF900:
        return "\N{REPLACEMENT CHARACTER}"
    # A font with letters of its own cannot be read; one for text is numbered as Unicode.
    return "\N{REPLACEMENT CHARACTER}" if low != code else chr(code)
