"""Reads Office Open XML: parts in a ZIP archive, and their references."""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.adapters.parsers.local.formats.trees import Element, xml_stream, xml_tree
from ingest.domain.errors import DocumentUnreadable

_RELATIONS_NAMESPACES = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}",
)
"""Of the two editions of the format: transitional and strict."""


def relation_id(element: Element, name: str = "id") -> str:
    """The id of the reference that an element names; '' without one."""
    values = (element.get(f"{space}{name}") for space in _RELATIONS_NAMESPACES)
    return next(filter(None, values), "")


@dataclass(frozen=True, slots=True)
class Relation:
    """A reference from one part to another."""

    kind: str
    """The last component of its type, such as ``officeDocument``."""
    part: str


class Package:
    """Reads the parts of an Office file."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._read: set[str] = set()
        self._relations: dict[str, dict[str, Relation]] = {}

    def main_part(self) -> str:
        """Name of the part that holds the document itself.

        Raises:
            DocumentUnreadable: the file has no main part.
        """
        part = self.first("", "officeDocument")
        if part is None:
            raise DocumentUnreadable("the Office file has no main part")
        return part

    def tree(self, part: str) -> Element:
        """Parse a part; raises KeyError when it is missing."""
        return xml_tree(self.data(part))

    def has(self, part: str) -> bool:
        """Whether the file holds a part of this name."""
        return part in self._archive.NameToInfo

    def data(self, part: str) -> bytes:
        """The bytes of a part; raises KeyError when it is missing."""
        self._read.add(part)
        return self._archive.read(part)

    def unread(self) -> list[tuple[str, int]]:
        """Names and sizes in bytes of the parts that nothing has read."""
        entries = self._archive.infolist()
        return [(e.filename, e.file_size) for e in entries if e.filename not in self._read]

    def stream(self, part: str, *names: str) -> Iterator[Element]:
        """The elements of a part with these names, one at a time."""
        self._read.add(part)
        with self._archive.open(part) as source:
            yield from xml_stream(source, *names)

    def relations(self, part: str) -> dict[str, Relation]:
        """References of a part to other parts, by id; the package itself is part ''."""
        if part not in self._relations:
            self._relations[part] = self._read_relations(part)
        return self._relations[part]

    def _read_relations(self, part: str) -> dict[str, Relation]:
        folder, name = posixpath.split(part)
        try:
            root = self.tree(posixpath.join(folder, "_rels", f"{name}.rels"))
        except KeyError:
            return {}
        return {
            relation.get("Id") or "": Relation(
                kind=posixpath.basename(relation.get("Type") or ""),
                part=posixpath.normpath(
                    posixpath.join("/", folder, relation.get("Target") or "")
                ).lstrip("/"),
            )
            for relation in root
            if relation.get("TargetMode") != "External"
        }

    def first(self, part: str, kind: str) -> str | None:
        """Name of the first referenced part of a kind."""
        return next(iter(self.all(part, kind)), None)

    def all(self, part: str, *kinds: str) -> list[str]:
        """Names of the referenced parts of these kinds that the file holds, each once."""
        related = (r.part for r in self.relations(part).values() if r.kind in kinds)
        return [name for name in dict.fromkeys(related) if self.has(name)]
