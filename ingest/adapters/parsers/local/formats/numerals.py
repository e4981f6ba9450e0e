"""Numbers of list items as letters and as Roman numerals."""

MAX_ROMAN = 3999
_MOST_LETTERS = 100
"""Of one number: a list may begin at any number."""
_SIGNS = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def roman(number: int) -> str:
    """A number from 1 to MAX_ROMAN, in small letters."""
    text = ""
    for size, letters in _SIGNS:
        text += letters * (number // size)
        number %= size
    return text


def repeated_letter(number: int) -> str:
    """A to z, then aa to zz and so on, as office programs count; from 1."""
    repeats, at = divmod(number - 1, 26)
    return chr(ord("a") + at) * min(repeats + 1, _MOST_LETTERS)
