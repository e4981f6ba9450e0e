"""Parses one document in this process."""

import io
import zipfile
import zlib

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.docx import parse_docx
from ingest.adapters.parsers.local.formats.eml import parse_eml
from ingest.adapters.parsers.local.formats.epub import parse_epub
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.formats.pdf import parse_pdf
from ingest.adapters.parsers.local.formats.pptx import parse_pptx
from ingest.adapters.parsers.local.formats.text import decode
from ingest.adapters.parsers.local.formats.xlsx import parse_xlsx
from ingest.adapters.parsers.local.parser_limits import ParserLimits
from ingest.adapters.parsers.local.zip_check import check_archive
from ingest.domain.document import ParsedDocument
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.media_type import MediaType, detect

_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError)


def parse_document(data: bytes, *, filename: str, limits: ParserLimits) -> ParsedDocument:
    """Parse a document, without protection against endless loops, crashes and memory use.

    Raises:
        DocumentRejected: the document cannot be parsed; the subclass gives the reason.
    """
    media_type = detect(data, filename=filename)
    draft = Draft(limits)
    match media_type:
        case MediaType.PDF:
            parse_pdf(data, draft)
        case MediaType.DOCX | MediaType.PPTX | MediaType.XLSX | MediaType.EPUB:
            _parse_zipped(data, media_type, draft, limits)
        case MediaType.EML:
            parse_eml(data, draft)
        case MediaType.HTML:
            parse_html(decode(data, markup=True), draft)
        case MediaType.MARKDOWN:
            parse_markdown(decode(data), draft)
        case MediaType.TEXT:
            draft.add(decode(data))
    return draft.finish()


def _parse_zipped(data: bytes, media_type: MediaType, draft: Draft, limits: ParserLimits) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_archive(archive, archive_bytes=len(data), limits=limits)
            if media_type is MediaType.DOCX:
                parse_docx(archive, draft)
            elif media_type is MediaType.PPTX:
                parse_pptx(archive, draft)
            elif media_type is MediaType.XLSX:
                parse_xlsx(data, archive, draft)
            else:
                parse_epub(archive, draft)
    except _ZIP_ERRORS as exc:
        raise DocumentUnreadable(
            f"the {media_type.name} document is truncated or corrupt ({type(exc).__name__})"
        ) from exc
