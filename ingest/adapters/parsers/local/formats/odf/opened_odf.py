"""Opens an OpenDocument file, and reads its body by its kind."""

import zipfile
from collections.abc import Callable, Iterable, Iterator

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.odf.block_writer import BlockWriter
from ingest.adapters.parsers.local.formats.odf.sheets import write_sheets
from ingest.adapters.parsers.local.formats.odf.slides import write_slides
from ingest.adapters.parsers.local.formats.odf.styles import OdfStyles
from ingest.adapters.parsers.local.formats.office.not_read import warn_of_pictures
from ingest.adapters.parsers.local.formats.trees import Element, local_name, xml_tree
from ingest.domain.errors import DocumentEncrypted, DocumentUnreadable

_WRITERS: dict[str, Callable[[Element, BlockWriter], None]] = {
    "spreadsheet": write_sheets,
    "presentation": write_slides,
    "drawing": write_slides,
}

_RUNNING = tuple(
    f"{{*}}{name}{pages}" for name in ("header", "footer") for pages in ("", "-left", "-first")
)


def parse_odf(archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a text, a spreadsheet, a presentation or a drawing.

    Raises:
        DocumentEncrypted: the file is protected by a password.
        DocumentUnreadable: the file has no content.
        TooManyPages: there are more sheets or slides than the limit.
    """
    names = set(archive.namelist())
    if b":encryption-data" in _part(archive, names, "META-INF/manifest.xml"):
        raise DocumentEncrypted("the OpenDocument file is protected by a password")
    content = xml_tree(archive.read("content.xml"))
    trees = [content]
    if styles := _part(archive, names, "styles.xml"):
        trees.insert(0, xml_tree(styles))

    def embedded(href: str) -> Element | None:
        part = href.removeprefix("./").rstrip("/") + "/content.xml"
        return xml_tree(archive.read(part)) if part in names else None

    _write(content, trees, BlockWriter(draft, OdfStyles(trees), embedded))


def parse_flat_odf(root: Element, draft: Draft) -> None:
    """Read a document that is one XML file."""
    _write(root, [root], BlockWriter(draft, OdfStyles([root]), lambda _href: None))


def _part(archive: zipfile.ZipFile, names: set[str], name: str) -> bytes:
    return archive.read(name) if name in names else b""


def _write(root: Element, trees: Iterable[Element], writer: BlockWriter) -> None:
    body = next((child for child in root if local_name(child) == "body"), None)
    if body is None:
        raise DocumentUnreadable("the OpenDocument file has no content")
    for part in body:
        write = _WRITERS.get(local_name(part))
        if write:
            write(part, writer)
        else:
            writer.write(part)
    writer.end()
    if any(local_name(part) == "text" for part in body):
        for line in dict.fromkeys(_running(trees, writer)):
            writer.draft.add(line)
    warn_of_pictures(writer.draft, writer.pictures)


def _running(trees: Iterable[Element], writer: BlockWriter) -> Iterator[str]:
    """The headers and footers of pages; a number alone says nothing."""
    for tree in trees:
        for masters in tree.iter("{*}master-styles"):
            for part in masters.iter(*_RUNNING):
                text = " ".join(writer.paragraphs(part).split())
                if any(map(str.isalpha, text)):
                    yield text
