"""How near a text in Markdown is to the truth: words in order, tables and headings, each 0 to 1.

The measures have the names and the meaning of opendataloader-bench; this code is our own.
"""

import html
import re
from collections.abc import Callable
from typing import NamedTuple

_HEADING = re.compile(r"^#{1,6}\s+(.*)$")
_TAGS = re.compile(r"<(/?)(table|tr|td|th)\b([^>]*)>", re.IGNORECASE)
_TABLE = re.compile(r"<table\b.*?</table>", re.IGNORECASE | re.DOTALL)
_SPAN = re.compile(r"(colspan|rowspan)\s*=\s*\"?(\d+)")
_RULE = re.compile(r"^\|?(\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$")
_PIPE = re.compile(r"(?<!\\)\|")


class Node(NamedTuple):
    """A part of a table or of an outline."""

    kind: str
    """Parts of different kinds have nothing in common."""
    text: str
    children: tuple["Node", ...] = ()


def similarity(first: str, second: str) -> float:
    """Share of characters that two texts have in common, in order (NID)."""
    first, second = " ".join(first.split()), " ".join(second.split())
    total = len(first) + len(second)
    return 2 * _common(first, second) / total if total else 1.0


def tables(markdown: str) -> list[Node]:
    """Tables in pipes or in HTML, in order."""
    found = []
    lines = markdown.splitlines()
    at = 0
    while at < len(lines):
        piped = "|" in lines[at] and at + 1 < len(lines) and "-" in lines[at + 1]
        if piped and _RULE.match(lines[at + 1]):
            end = at + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            found.append(_piped([lines[at], *lines[at + 2 : end]]))
            at = end
        else:
            at += 1
    return found + [_of_html(match.group()) for match in _TABLE.finditer(markdown)]


def table_score(truth: Node, found: list[Node]) -> float:
    """TEDS of a table against the one with most words in common; 0 without any."""
    if not found:
        return 0.0
    words = _words(truth)
    near = max(found, key=lambda one: len(words & _words(one)) / max(1, len(words | _words(one))))
    return _tree_score(truth, near)


def heading_score(truth: str, found: str) -> float | None:
    """MHS: headings and the text under them; None when the truth has no heading."""
    wanted, read = _outline(truth), _outline(found)
    if not any(part.kind == "heading" for part in wanted.children):
        return None
    if not any(part.kind == "heading" for part in read.children):
        return 0.0
    return _tree_score(wanted, read)


def size(tree: Node) -> int:
    """Count the parts of a tree, itself included."""
    return 1 + sum(map(size, tree.children))


def _words(tree: Node) -> set[str]:
    return set(tree.text.split()).union(*map(_words, tree.children))


def _piped(lines: list[str]) -> Node:
    rows = []
    for line in lines:
        cells = [cell.strip() for cell in _PIPE.split(line.strip())]
        cells = cells[1 if not cells[0] else 0 : -1 if not cells[-1] else None]
        rows.append(Node("row", "", tuple(Node("cell 1 1", cell) for cell in cells)))
    return Node("table", "", tuple(rows))


def _of_html(markup: str) -> Node:
    rows: list[list[Node]] = []
    start, kind = 0, ""
    for tag in _TAGS.finditer(markup):
        name = tag.group(2).lower()
        if name == "tr" and not tag.group(1):
            rows.append([])
        elif name in {"td", "th"} and not tag.group(1):
            spans = dict(_SPAN.findall(tag.group(3)))
            kind = f"cell {spans.get('colspan', 1)} {spans.get('rowspan', 1)}"
            start = tag.end()
        elif name in {"td", "th"} and rows:
            text = re.sub("<[^>]+>", " ", markup[start : tag.start()])
            rows[-1].append(Node(kind, " ".join(html.unescape(text).split())))
    return Node("table", "", tuple(Node("row", "", tuple(cells)) for cells in rows))


def _outline(markdown: str) -> Node:
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in _TABLE.sub(" ", markdown).splitlines():
        heading = _HEADING.match(line)
        if heading:
            parts.append((" ".join(heading.group(1).split()), []))
        elif line.strip() and not line.lstrip().startswith("|"):
            parts[-1][1].extend(line.split())
    nodes: list[Node] = []
    for at, (title, words) in enumerate(parts):
        below = (Node("content", " ".join(words)),) if words else ()
        nodes += [Node("heading", title, below)] if at else below
    return Node("document", "", tuple(nodes))


def _tree_score(first: Node, second: Node) -> float:
    most = max(size(first), size(second))
    if first.kind == second.kind == "table":
        most -= 1
    return max(0.0, 1 - _tree_distance(first, second) / max(1, most))


def _change(first: Node, second: Node) -> float:
    if first.kind != second.kind:
        return 1.0
    longest = max(len(first.text), len(second.text))
    return distance(first.text, second.text) / longest if longest else 0.0


def _tree_distance(first: Node, second: Node) -> float:
    """Least number of parts to add, remove or change (Zhang and Shasha)."""
    one, left1, keys1 = _postorder(first)
    two, left2, keys2 = _postorder(second)
    costs: dict[tuple[int, int], float] = {}
    trees = [[0.0] * len(two) for _ in one]

    def change(a: int, b: int) -> float:
        if (a, b) not in costs:
            costs[a, b] = _change(one[a], two[b])
        return costs[a, b]

    for key1 in keys1:
        for key2 in keys2:
            _forest(key1, key2, left1, left2, trees, change)
    return trees[-1][-1]


def _forest(
    key1: int,
    key2: int,
    left1: list[int],
    left2: list[int],
    trees: list[list[float]],
    change: Callable[[int, int], float],
) -> None:
    base1, base2 = left1[key1], left2[key2]
    rows = [[float(column) for column in range(key2 - base2 + 2)]]
    for a in range(base1, key1 + 1):
        row = [rows[-1][0] + 1]
        for b in range(base2, key2 + 1):
            best = min(rows[-1][b - base2 + 1] + 1, row[-1] + 1)
            if left1[a] == base1 and left2[b] == base2:
                best = min(best, rows[-1][b - base2] + change(a, b))
                trees[a][b] = best
            else:
                best = min(best, rows[left1[a] - base1][left2[b] - base2] + trees[a][b])
            row.append(best)
        rows.append(row)


def _postorder(tree: Node) -> tuple[list[Node], list[int], list[int]]:
    nodes: list[Node] = []
    left: list[int] = []

    def visit(node: Node) -> int:
        firsts = [visit(child) for child in node.children]
        nodes.append(node)
        left.append(firsts[0] if firsts else len(nodes) - 1)
        return left[-1]

    visit(tree)
    last = {first: at for at, first in enumerate(left)}
    return nodes, left, sorted(last.values())


def _positions(text: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for at, char in enumerate(text):
        places[char] = places.get(char, 0) | 1 << at
    return places


def _common(first: str, second: str) -> int:
    """Length of the longest common subsequence, with one bit for each character."""
    places = _positions(first)
    every = (1 << len(first)) - 1
    row = every
    for char in second:
        match = row & places.get(char, 0)
        row = ((row + match) | (row - match)) & every
    return len(first) - row.bit_count()


def distance(first: str, second: str) -> int:
    """Levenshtein distance (Myers), with one bit for each character."""
    if first == second:
        return 0
    if not first:
        return len(second)
    places = _positions(first)
    every = (1 << len(first)) - 1
    top = 1 << (len(first) - 1)
    plus, minus, distance = every, 0, len(first)
    for char in second:
        match = places.get(char, 0)
        down_here = match | minus
        across = (((match & plus) + plus) ^ plus) | match
        up = minus | (~(across | plus) & every)
        down = plus & across
        distance += bool(up & top) - bool(down & top)
        up = (up << 1 | 1) & every
        down = (down << 1) & every
        plus = down | (~(down_here | up) & every)
        minus = up & down_here
    return distance
