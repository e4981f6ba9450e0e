"""The title and description of a page, which its text may not repeat."""

from dataclasses import dataclass

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.trees import Element

_DESCRIPTIONS = ("description", "og:description", "dc.description", "dcterms.description")
_MAX_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Preface:
    """What is known about a page and stands in no heading of it."""

    title: str
    is_heading: bool
    """Whether the page has no main heading of its own."""
    description: str

    def write(self, draft: Draft) -> None:
        """Write it as the first text."""
        if self.title and self.is_heading:
            draft.add_heading(1, self.title)
        else:
            draft.add(self.title)
        draft.add(self.description)


def preface_of(root: Element) -> Preface:
    """Find the title and the description in the head of a page."""
    title = description = ""
    head = next(root.iter("{*}head"), None)
    for element in head.iter("{*}title", "{*}meta") if head is not None else ():
        if element.tag.endswith("title"):
            title = title or _flat(element.text or "")
        elif (element.get("name") or element.get("property") or "").lower() in _DESCRIPTIONS:
            description = description or _flat(element.get("content") or "")
    if not title and not description:
        return Preface("", is_heading=False, description="")
    main = [_flat("".join(element.itertext())) for element in root.iter("{*}h1")]
    seconds = [_flat("".join(element.itertext())) for element in root.iter("{*}h2")]
    if title in {*main, *seconds}:
        title = ""
    if description and any(_flat(p) == description for p in _paragraphs(root)):
        description = ""
    return Preface(
        title[:_MAX_CHARS], is_heading=not any(main), description=description[:_MAX_CHARS]
    )


def _paragraphs(root: Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter("{*}p")]


def _flat(text: str) -> str:
    return " ".join(text.replace("\N{SOFT HYPHEN}", "").split())
