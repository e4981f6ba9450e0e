"""Parses one document in this process."""

import io
import zipfile
from collections.abc import Callable
from functools import partial

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.asciidoc import parse_asciidoc
from ingest.adapters.parsers.local.formats.csv import parse_csv, parse_tsv
from ingest.adapters.parsers.local.formats.docx import parse_docx
from ingest.adapters.parsers.local.formats.eml import parse_eml
from ingest.adapters.parsers.local.formats.epub import parse_epub
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.image import parse_image
from ingest.adapters.parsers.local.formats.ipynb import parse_ipynb
from ingest.adapters.parsers.local.formats.json import parse_json, parse_jsonl
from ingest.adapters.parsers.local.formats.latex import parse_latex
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.formats.msg import parse_msg
from ingest.adapters.parsers.local.formats.odf import parse_odf
from ingest.adapters.parsers.local.formats.org import parse_org
from ingest.adapters.parsers.local.formats.pdf.reader import parse_pdf
from ingest.adapters.parsers.local.formats.pptx import parse_pptx
from ingest.adapters.parsers.local.formats.rst import parse_rst
from ingest.adapters.parsers.local.formats.rtf import parse_rtf
from ingest.adapters.parsers.local.formats.subtitles import parse_srt, parse_vtt
from ingest.adapters.parsers.local.formats.text import decode, parse_text
from ingest.adapters.parsers.local.formats.xls import parse_xls
from ingest.adapters.parsers.local.formats.xlsx import parse_xlsx
from ingest.adapters.parsers.local.formats.xml import parse_xml
from ingest.adapters.parsers.local.formats.zip import parse_zip
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.parsers.local.zip_check import ZIP_ERRORS, check_archive
from ingest.adapters.parsers.local.zip_names import has_backslashes, with_slashes
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentUnreadable, ParserLimitExceeded
from ingest.domain.media_type import PICTURES, MediaType, detect

MAX_DEPTH = 3
"""Most documents around one: a mail in an archive may hold an archive."""
_Reader = Callable[[bytes, Draft], None]


def _of_text(read: Callable[[str, Draft], None]) -> _Reader:
    """The reader of a format that is text."""
    return lambda data, draft: read(decode(data, draft=draft), draft)


_READERS: dict[MediaType, _Reader] = {
    MediaType.PDF: parse_pdf,
    **dict.fromkeys(
        (MediaType.EML, MediaType.MBOX),
        lambda data, draft: parse_eml(data, draft, parse_document),
    ),
    MediaType.HTML: lambda data, draft: parse_html(decode(data, markup=True, draft=draft), draft),
    MediaType.MARKDOWN: _of_text(parse_markdown),
    MediaType.TEXT: _of_text(parse_text),
    **{picture: partial(parse_image, kind=picture.name) for picture in PICTURES},
    MediaType.CSV: parse_csv,
    MediaType.TSV: parse_tsv,
    MediaType.JSON: parse_json,
    MediaType.JSONL: parse_jsonl,
    MediaType.XML: parse_xml,
    MediaType.IPYNB: parse_ipynb,
    MediaType.RTF: parse_rtf,
    MediaType.XLS: parse_xls,
    MediaType.MSG: lambda data, draft: parse_msg(data, draft, parse_document),
    MediaType.RST: _of_text(parse_rst),
    MediaType.ASCIIDOC: _of_text(parse_asciidoc),
    MediaType.ORG: _of_text(parse_org),
    MediaType.LATEX: _of_text(parse_latex),
    MediaType.VTT: _of_text(parse_vtt),
    MediaType.SRT: _of_text(parse_srt),
}
"""Readers of files that are no archives."""
_ARCHIVE_READERS: dict[MediaType, Callable[[zipfile.ZipFile, Draft], None]] = {
    MediaType.DOCX: parse_docx,
    MediaType.PPTX: parse_pptx,
    MediaType.XLSX: parse_xlsx,
    MediaType.EPUB: parse_epub,
    **dict.fromkeys((MediaType.ODT, MediaType.ODS, MediaType.ODP), parse_odf),
    MediaType.ZIP: lambda archive, draft: parse_zip(archive, draft, parse_document),
}


def parse_document(
    data: bytes,
    *,
    filename: str,
    limits: ParserLimits,
    before_recognition: Callable[[], None] | None = None,
    inside: Draft | None = None,
) -> ParsedDocument:
    """Parse a document, without protection against endless loops, crashes and memory use.

    Args:
        data: The file.
        filename: Its name.
        limits: Limits that the parser checks.
        before_recognition: Called once, before the first picture is recognized.
        inside: The document that holds this one, such as a mail.

    Raises:
        DocumentRejected: the document cannot be parsed; the subclass gives the reason.
    """
    media_type = detect(data, filename=filename)
    draft = Draft(limits, before_recognition=before_recognition, inside=inside)
    if draft.depth > MAX_DEPTH:
        raise ParserLimitExceeded(f"documents are nested more than {MAX_DEPTH} deep")
    if media_type in _ARCHIVE_READERS:
        _parse_archive(data, media_type, draft, limits)
    else:
        _READERS[media_type](data, draft)
    return draft.finish()


def _parse_archive(data: bytes, media_type: MediaType, draft: Draft, limits: ParserLimits) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, archive_bytes=len(data), limits=limits)
            if media_type is MediaType.ZIP or not has_backslashes(archive):
                _ARCHIVE_READERS[media_type](archive, draft)
                return
            data = with_slashes(archive)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _ARCHIVE_READERS[media_type](archive, draft)
    except ZIP_ERRORS as exc:
        raise DocumentUnreadable(
            f"the {media_type.name} document is truncated or corrupt ({type(exc).__name__})"
        ) from exc
