"""Writes the slides of an OpenDocument presentation, or the pages of a drawing."""

from ingest.adapters.parsers.local.formats.odf.block_writer import BlockWriter
from ingest.adapters.parsers.local.formats.odf.styles import attribute
from ingest.adapters.parsers.local.formats.trees import Element, local_name


def write_slides(body: Element, writer: BlockWriter) -> None:
    """Write all slides: the title as heading, the shapes in their order, the notes last.

    Raises:
        TooManyPages: there are more slides than the limit.
    """
    slides = [child for child in body if local_name(child) == "page"]
    writer.draft.expect_pages(len(slides))
    for number, slide in enumerate(slides, start=1):
        writer.draft.begin_page(number)
        _write_slide(slide, writer)
        writer.end()


def _write_slide(slide: Element, writer: BlockWriter) -> None:
    titles = [shape for shape in slide if attribute(shape, "class") == "title"]
    title = titles[0] if titles else None
    if title is not None:
        words = " ".join(writer.text(part) for part in title.iter("{*}p", "{*}h"))
        writer.draft.add_heading(1, words)
    notes = []
    for shape in slide:
        name = local_name(shape)
        if name == "notes":
            notes.append(shape)
        elif name == "annotation":
            writer.add_comment(shape)
        elif shape is not title and attribute(shape, "placeholder") != "true":
            writer.write_block(shape)
    for note in notes:
        for shape in note:
            if attribute(shape, "class") == "notes" and attribute(shape, "placeholder") != "true":
                writer.write_shape(shape)
