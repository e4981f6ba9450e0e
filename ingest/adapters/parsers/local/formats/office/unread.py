"""The cross-check: warns of parts with text that no reader has looked at."""

import re

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.domain.parse_warning import WarningCode

_NO_CONTENT = re.compile(
    r"(?:^|/)(?:_rels|docProps|customXml|theme|glossary|pivotCache|pivotTables|slideLayouts"
    r"|slideMasters|notesMasters|handoutMasters)/"
    r"|/diagrams/(?!data)[^/]*$"
    r"|(?:styles|stylesWithEffects|settings|webSettings|fontTable|tableStyles|presProps"
    r"|viewProps|calcChain|people|\[Content_Types\])\.xml$",
    re.I,
)
"""Parts for settings and designs, examples of text, and second copies."""
_TEXT = re.compile(rb"<(?:\w+:)?(?:t|text|textpath)(?:\s[^>]*)?>\s*[^<\s]")
_MAX_PART_BYTES = 16 * 1024**2


def warn_of_unread(package: Package, draft: Draft) -> None:
    """Warn of each part with text that was not read."""
    for name, size in package.unread():
        if not name.lower().endswith((".xml", ".vml")) or _NO_CONTENT.search(name):
            continue
        if size > _MAX_PART_BYTES or _TEXT.search(package.data(name)):
            message = f"the part {name!r} holds text and was not read"
            draft.warn(WarningCode.PART_NOT_READ, message)
