"""Names what a part of an Office file embeds and no reader reads."""

import posixpath

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.office_package import Package
from ingest.domain.parse_warning import WarningCode

_EMBEDDED = {
    "oleObject": "object",
    "package": "file",
    "video": "video",
    "audio": "sound",
    "media": "recording",
}


def warn_of_embedded(package: Package, part: str, draft: Draft, place: str) -> None:
    """Warn of each embedded file of a part; ``place`` names the part for a person."""
    seen = set()
    for relation in package.relations(part).values():
        if relation.kind in _EMBEDDED and relation.part not in seen:
            seen.add(relation.part)
            name = posixpath.basename(relation.part)
            draft.warn(
                WarningCode.PART_NOT_READ,
                f"{place}: the embedded {_EMBEDDED[relation.kind]} {name!r} was not read",
            )


def warn_of_pictures(draft: Draft, count: int) -> None:
    """Say how many pictures have no alternative text."""
    if count:
        what = "1 picture has" if count == 1 else f"{count} pictures have"
        draft.warn(
            WarningCode.PART_NOT_READ,
            f"{what} no alternative text, and the text within was not looked for",
        )
