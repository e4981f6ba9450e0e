"""Words whose letters are set apart by blanks, as in "A N N U A L   R E P O R T"."""

from itertools import pairwise

from ingest.adapters.parsers.local.formats.pdf.words import Word

_LEAST_LETTERS = 5
_WIDEST = 0.9
"""Of the usual gap, in sizes of the font: letters further apart are cells."""
_BETWEEN_WORDS = 1.6
"""A wider gap, in usual gaps, divides words."""


def joined_letters(words: list[Word]) -> list[Word]:
    """The words of a line that is set with blanks between all letters; others as they are."""
    if len(words) < _LEAST_LETTERS or not all(_is_letter(word.text) for word in words):
        return words
    gaps = [after.x0 - before.x1 for before, after in pairwise(words)]
    usual = sorted(gaps)[len(gaps) // 2]
    letters = [word.text for word in words]
    if not 0 < usual < _WIDEST * words[0].size or _is_row_of_names(letters):
        return words
    found = [words[0]]
    for gap, word in zip(gaps, words[1:], strict=True):
        if gap > _BETWEEN_WORDS * usual:
            found.append(word)
        else:
            found[-1].text += word.text
            found[-1].x1 = word.x1
    return found


def _is_letter(text: str) -> bool:
    return len(text) == 1 and text.isalpha() and text.isascii()


def _is_row_of_names(letters: list[str]) -> bool:
    """A B C D E, or X X X X X: heads or cells of a table, answers to choose from."""
    codes = [ord(letter) for letter in letters]
    return len(set(letters)) < 3 or all(b - a == 1 for a, b in pairwise(codes))
