"""What of a page is not read: hidden elements, and what surrounds the article."""

import re
from collections import Counter
from enum import StrEnum

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.trees import Element, local_name, walk
from ingest.domain.parse_warning import WarningCode

_MAY_MATTER = re.compile(
    r"hidden|display\s*:\s*none|<(?:nav|header|footer|aside|dialog)\b|role\s*=|cookie|consent|gdpr"
    r"|onetrust|katex",
    re.IGNORECASE,
)
_NO_TEXT = frozenset({"head", "script", "style", "template", "noscript", "svg", "iframe", "object"})
_HIDING_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)", re.I)
_CONTENT = ("article", "main", "section", "aside", "blockquote", "figure", "td", "details")
_OF_CONTENT = frozenset(_CONTENT)
_AROUND = frozenset({"header", "footer", "aside"})
_AROUND_ROLES = frozenset({"banner", "contentinfo", "complementary"})
_NAVIGATION_ROLES = frozenset({"navigation", "menu", "menubar", "toolbar", "search", "tablist"})
_NOTICE = re.compile(
    r"(?:cookies?|consent|gdpr)[-_ ]?(?:\w+[-_ ])?(?:banner|notice|bar|pop-?up|modal|consent|law"
    r"|overlay|wall|dialog|notification|message|info|disclaimer|box|container|alert|policy-?banner)"
    r"|(?:banner|notice|bar|pop-?up|modal|overlay)[-_ ]?(?:cookies?|consent|gdpr)\b"
    r"|onetrust|cybot|cc-window|cmp-container|usercentrics|didomi|truste|qc-cmp",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"\bcookies?\b", re.IGNORECASE)
_CONSENT = re.compile(
    r"\b(?:accept|agree|consent|allow|reject|decline|we use|akzeptier|zustimm|accepter|aceptar)",
    re.I,
)
_MAX_NOTICE_WORDS = 200


class _Reason(StrEnum):
    HIDDEN = "hidden"
    NAVIGATION = "navigation"
    AROUND = "around"
    NOTICE = "notice"
    TWICE = "twice"


def left_out(root: Element, markup: str, draft: Draft, *, is_page: bool) -> set[Element]:
    """The elements that are not read, with a warning that tells how many words they hold.

    Elements around an article are read when they hold more words than the rest of the page.
    """
    if not _MAY_MATTER.search(markup):
        return set()
    found: dict[Element, _Reason] = {}
    words: Counter[_Reason] = Counter()
    kept = 0
    depth = 0
    steps = walk(root)
    for event, element in steps:
        name = local_name(element)
        if event == "end":
            depth -= name in _OF_CONTENT and element not in found
            kept += _count(element.tail)
            continue
        if name in _NO_TEXT:
            steps.skip_subtree()
            continue
        reason = _reason(name, element, is_top=depth == 0, is_page=is_page)
        if reason:
            found[element] = reason
            words[reason] += sum(map(_count, element.itertext()))
            steps.skip_subtree()
            continue
        depth += name in _OF_CONTENT
        kept += _count(element.text)
    return _decided(found, words, kept, draft)


def _decided(
    found: dict[Element, _Reason], words: Counter[_Reason], kept: int, draft: Draft
) -> set[Element]:
    dropped = set(_Reason)
    if words[_Reason.AROUND] > kept:
        dropped.discard(_Reason.AROUND)
        kept += words[_Reason.AROUND]
    for reason in (_Reason.NAVIGATION, _Reason.NOTICE, _Reason.HIDDEN):
        if kept == 0 and words[reason]:
            dropped.discard(reason)
            kept += words[reason]
    if _Reason.HIDDEN in dropped and words[_Reason.HIDDEN]:
        draft.warn(
            WarningCode.HIDDEN_TEXT_LEFT_OUT,
            f"text that the page hides was left out ({words[_Reason.HIDDEN]} words)",
        )
    if _Reason.AROUND in dropped and words[_Reason.AROUND]:
        draft.warn(
            WarningCode.PART_NOT_READ,
            "the header, the footer or the sidebar of the page was left out "
            f"({words[_Reason.AROUND]} words)",
        )
    return {element for element, reason in found.items() if reason in dropped}


def _reason(name: str, element: Element, *, is_top: bool, is_page: bool) -> _Reason | None:
    if name in {"html", "body"}:
        return None
    role = (element.get("role") or "").strip().lower()
    if name == "nav" or (is_page and role in _NAVIGATION_ROLES):
        return _Reason.NAVIGATION
    if _is_hidden(name, element):
        return _Reason.HIDDEN
    label = " ".join(element.get(key) or "" for key in ("class", "id", "aria-label"))
    if "katex-html" in label:
        return _Reason.TWICE
    if not is_page:
        return None
    if (_NOTICE.search(label) or _asks_for_consent(label, element)) and _is_notice(element):
        return _Reason.NOTICE
    is_around = name in _AROUND or role in _AROUND_ROLES
    if is_top and is_around and not _has_content(name, role, element):
        return _Reason.AROUND
    return None


def _has_content(name: str, role: str, element: Element) -> bool:
    """Whether an element around the article holds a part of it, such as its title."""
    kinds = ["{*}h1", "{*}article", "{*}main"]
    kinds += ["{*}h2"] if name == "header" or role == "banner" else []
    return next(element.iter(*kinds), None) is not None


def _is_hidden(name: str, element: Element) -> bool:
    hidden = element.get("hidden")
    if hidden is not None and hidden.strip().lower() != "until-found":
        return True
    style = element.get("style")
    if style and _HIDING_STYLE.search(style):
        return True
    return name == "dialog" and element.get("open") is None


def _asks_for_consent(label: str, element: Element) -> bool:
    if not _COOKIES.search(label):
        return False
    text = " ".join(element.itertext())
    return _COOKIES.search(text) is not None and _CONSENT.search(text) is not None


def _is_notice(element: Element) -> bool:
    if next(element.iter("{*}h1", "{*}article", "{*}main"), None) is not None:
        return False
    return sum(map(_count, element.itertext())) <= _MAX_NOTICE_WORDS


def _count(text: str | None) -> int:
    return len(text.split()) if text else 0
