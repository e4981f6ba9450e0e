"""PDFs with their text in Markdown, for where no public collection of papers is at hand."""

import random
from collections.abc import Sequence
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

from benchmarks.corpus import prose

_ROWS, _COLUMNS = 6, 4


def write_papers(folder: Path, count: int) -> None:
    """Write ``pdfs/NAME.pdf`` and ``truth/NAME.md``: headings, prose and a ruled table."""
    (folder / "pdfs").mkdir(parents=True, exist_ok=True)
    (folder / "truth").mkdir(exist_ok=True)
    styles = getSampleStyleSheet()
    for number in range(count):
        rng = random.Random(number)
        story: list[Flowable] = []
        truth: list[str] = []
        for place, (title, paragraphs) in enumerate(prose(rng, 3_000)):
            story.append(Paragraph(title, styles["Heading1" if not place else "Heading2"]))
            truth.append(f"{'#' if not place else '##'} {title}")
            for text in paragraphs:
                story.append(Paragraph(text, styles["BodyText"]))
                truth.append(text)
            if place == 1:
                rows = _figures(rng)
                grid = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)
                story.append(Table(rows, style=TableStyle([grid])))
                truth.append(_markdown(rows))
        SimpleDocTemplate(str(folder / "pdfs" / f"{number}.pdf")).build(story)
        (folder / "truth" / f"{number}.md").write_text("\n\n".join(truth), encoding="utf-8")


def _figures(rng: random.Random) -> list[list[str]]:
    head = ["Berth", *(f"Year {2000 + at}" for at in range(_COLUMNS - 1))]
    body = [
        [f"Quay {row}", *(str(rng.randrange(10_000)) for _ in range(_COLUMNS - 1))]
        for row in range(_ROWS)
    ]
    return [head, *body]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
