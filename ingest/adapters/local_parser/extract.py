"""One document in, one parsed document out, in this very process."""

from ingest.adapters.local_parser.archive import check_archive
from ingest.adapters.local_parser.draft import Draft
from ingest.adapters.local_parser.limits import Limits
from ingest.adapters.local_parser.office import parse_docx, parse_epub, parse_pptx, parse_xlsx
from ingest.adapters.local_parser.pdf import parse_pdf
from ingest.adapters.local_parser.plain import decode
from ingest.adapters.local_parser.web import parse_eml, parse_html
from ingest.domain.document import MediaType, ParsedDocument
from ingest.domain.media import detect

_ZIPPED = {
    MediaType.DOCX: parse_docx,
    MediaType.PPTX: parse_pptx,
    MediaType.XLSX: parse_xlsx,
    MediaType.EPUB: parse_epub,
}


def parse_document(data: bytes, *, filename: str, limits: Limits) -> ParsedDocument:
    """Parse without any protection against hangs, crashes and memory hunger.

    Raises:
        DocumentRejected: a subclass says what is wrong with the document.
    """
    media_type = detect(data, filename=filename)
    draft = Draft(max_text_chars=limits.max_text_chars)
    parse_zipped = _ZIPPED.get(media_type)
    if parse_zipped:
        check_archive(
            data,
            media_type,
            max_pages=limits.max_pages,
            max_text_chars=limits.max_text_chars,
        )
        parse_zipped(data, draft)
    elif media_type is MediaType.PDF:
        parse_pdf(data, draft, max_pages=limits.max_pages)
    elif media_type is MediaType.EML:
        parse_eml(data, draft)
    elif media_type is MediaType.HTML:
        parse_html(decode(data, html=True), draft)
    elif media_type is MediaType.MARKDOWN:
        draft.add_markdown(decode(data))
    else:
        draft.add(decode(data))
    return draft.finish()
