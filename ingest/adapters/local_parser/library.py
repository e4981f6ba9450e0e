"""The one place where kreuzberg is configured and called."""

from functools import cache

import kreuzberg

from ingest.domain.document import MediaType
from ingest.domain.errors import DocumentUnreadable


def extract(data: bytes, media_type: MediaType) -> kreuzberg.ExtractionResult:
    """Convert a document to Markdown, pages apart where the library knows them.

    Raises:
        DocumentUnreadable: the library cannot read the document.
    """
    try:
        return kreuzberg.extract_bytes_sync(data, media_type.value, config=_config())
    except kreuzberg.KreuzbergError as exc:
        raise DocumentUnreadable(
            f"the {media_type.name} document is truncated or corrupt ({type(exc).__name__})"
        ) from exc


@cache
def _config() -> kreuzberg.ExtractionConfig:
    return kreuzberg.ExtractionConfig(  # type: ignore[call-arg]  # its stub lacks disable_ocr
        use_cache=False,
        disable_ocr=True,
        enable_quality_processing=False,
        output_format="markdown",
        pages=kreuzberg.PageConfig(extract_pages=True),
        postprocessor=kreuzberg.PostProcessorConfig(enabled=False),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
