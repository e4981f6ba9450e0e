"""Values of forms of XML (XFA), whose pages hold nothing but a notice."""

from typing import Any

import pypdfium2.raw as pdfium_c

from ingest.adapters.parsers.local.formats import trees
from ingest.adapters.parsers.local.formats.pdf.beside import read_bytes
from ingest.domain.errors import DocumentRejected

_MAX_BYTES = 5_000_000
_MAX_PACKETS = 100
_MAX_VALUES = 5_000


def is_dynamic(document: Any) -> bool:
    """Whether the pages are made of the form's XML, which PDFium does not draw."""
    return bool(pdfium_c.FPDF_GetFormType(document) == pdfium_c.FORMTYPE_XFA_FULL)


def values(document: Any) -> list[str]:
    """Filled fields as ``name: value``; none of a file without such a form."""
    found: list[str] = []
    for index in range(min(pdfium_c.FPDF_GetXFAPacketCount(document), _MAX_PACKETS)):
        packet = read_bytes(pdfium_c.FPDF_GetXFAPacketContent, document, index, most=_MAX_BYTES)
        found += _filled(packet)
    return found[:_MAX_VALUES]


def _filled(packet: bytes) -> list[str]:
    """The leaves of the data in a packet, or in the whole form where it is one packet."""
    if b"data" not in packet:
        return []
    try:
        root = trees.xml_tree(packet)
    except DocumentRejected:
        return []  # most packets are pieces of XML, not whole documents
    return [
        f"{trees.local_name(leaf)}: {' '.join(text.split())}"
        for sets in root.iter("{*}datasets")
        for data in sets
        if trees.local_name(data) == "data"
        for leaf in data.iter("*")
        if not len(leaf) and (text := "".join(leaf.itertext()).strip())
    ]
