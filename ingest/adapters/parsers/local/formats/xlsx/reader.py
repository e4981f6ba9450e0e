"""Reads workbooks with kreuzberg: one page for each sheet."""

import zipfile

from ingest.adapters.parsers.local.draft import Draft
from ingest.domain.errors import DocumentUnreadable
from ingest.domain.media_type import MediaType

_SHEETS_FOLDER = "xl/worksheets/"


def parse_xlsx(data: bytes, archive: zipfile.ZipFile, draft: Draft) -> None:
    """Read a workbook: sheet names become headings, rows become a Markdown table.

    Raises:
        TooManyPages: there are more sheets than the limit.
        DocumentUnreadable: the workbook is corrupt.
    """
    import kreuzberg  # its import takes 50 ms and 15 MB, and few documents need it

    names = (entry.filename for entry in archive.infolist())
    draft.expect_pages(sum(n.startswith(_SHEETS_FOLDER) and n.endswith(".xml") for n in names))
    config = kreuzberg.ExtractionConfig(  # type: ignore[call-arg]  # its stub lacks disable_ocr
        use_cache=False,
        disable_ocr=True,
        enable_quality_processing=False,
        pages=kreuzberg.PageConfig(extract_pages=True),
        postprocessor=kreuzberg.PostProcessorConfig(enabled=False),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        found = kreuzberg.extract_bytes_sync(data, MediaType.XLSX.value, config=config)
    except kreuzberg.KreuzbergError as exc:
        raise DocumentUnreadable(
            f"the XLSX document is truncated or corrupt ({type(exc).__name__})"
        ) from exc
    filled = {page["page_number"]: page["tables"] for page in found.pages or []}
    for number, name in enumerate(found.metadata.get("sheet_names") or [], start=1):
        draft.begin_page(number)
        tables = [table for table in filled.get(number, []) if any(map(any, table.cells))]
        if tables:
            draft.add_heading(1, name)
        for table in tables:
            draft.add_table(table.cells)
