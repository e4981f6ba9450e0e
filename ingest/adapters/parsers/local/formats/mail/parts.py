"""Reads the single parts of a message: texts, reports, attachments, and damaged ones."""

import base64
import re
from email import policy
from email.message import Message
from email.parser import BytesParser
from pathlib import PurePosixPath

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.attached import Attachments, refuse
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.mail.calendar_text import calendar_text
from ingest.adapters.parsers.local.formats.mail.headers import decode_words, part_name
from ingest.adapters.parsers.local.formats.markdown import parse_markdown
from ingest.adapters.parsers.local.formats.text import decode, parse_text
from ingest.domain.parse_warning import WarningCode
from ingest.domain.text_bytes import is_text

MESSAGES = frozenset({"message/rfc822", "message/global", "message/news"})
REPORTS = frozenset(
    {"message/delivery-status", "message/global-delivery-status", "message/feedback-report"}
    | {"message/disposition-notification", "message/global-disposition-notification"}
)
_SIGNATURES = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
    | {"application/pgp-keys"}
)
_OF_PAGES = frozenset(
    {"text/css", "text/javascript", "application/javascript", "application/x-javascript"}
)
"""Parts of a page that was saved as mail (MHTML); a reader does not see them."""
_NOT_TEXT = frozenset({"text/rtf", "text/richtext+rtf"})
_HTML = frozenset({"text/html", "application/xhtml+xml", "text/x-amp-html", "text/watch-html"})
_TAGGED = frozenset({"text/enriched", "text/richtext"})
_TEXT_TYPES = frozenset(
    {"application/json", "application/xml", "application/ics", "application/yaml"}
    | {"application/x-yaml", "application/csv", "application/sql", "application/javascript"}
    | {"application/x-ndjson", "application/toml", "application/markdown"}
)
_TEXT_SUFFIXES = frozenset(
    {".txt", ".text", ".md", ".markdown", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml"}
    | {".yml", ".log", ".html", ".htm", ".xhtml", ".ics", ".vcf", ".sql", ".ini", ".toml", ".rst"}
    | {".py", ".patch", ".diff", ".tex", ".srt", ".vtt", ".org", ".adoc", ".cfg", ".conf"}
)
_ENCRYPTED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_BOUNDARY = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\n(?=[!-9;-~]+:)", re.MULTILINE)
_USUAL_PREAMBLE = re.compile(r"MIME|multi-?\s?part", re.IGNORECASE)
_UUENCODED = re.compile(
    r"^begin [0-7]{3,4} (?P<name>[^\n]+)\n(?:[!-`][ -`]{0,90}\n)+(?:[` ]\n)?end[ \t]*$",
    re.MULTILINE,
)
_SOFT_BREAK = re.compile(r"(?<!^--)(?<!\n--)(?<=\S) \n(?![> \n]|-- \n)")
_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4,}={0,2}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?\s*")
_LONG_BASE64 = re.compile(rb"[A-Za-z0-9+/]{60,}={0,2}\s*")
_PADDED_INSIDE = re.compile(r"=\s*[A-Za-z0-9+/]")
_PADDING = re.compile(r"[^=]+=*")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,60}>")
_PAGE = re.compile(
    rb"\s*(?:<!doctype html[^<>]*>\s*)?<html[\s>].*</html>\s*$", re.DOTALL | re.IGNORECASE
)
"""A page that a program sent as plain text."""
_SNIFFED_BYTES = 64 * 1024


def children(part: Message) -> list[Message]:
    """The parts of a multipart; none when it is damaged."""
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if _listed(payload) else []


def _listed(payload: object) -> bool:
    return isinstance(payload, list)


def inner_messages(part: Message) -> list[Message]:
    """The messages that a part holds, also when they are encoded against the standard."""
    found = children(part)
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding not in {"base64", "quoted-printable"} or len(found) != 1:
        return found
    wrapper = Message()
    wrapper["Content-Transfer-Encoding"] = encoding
    wrapper.set_payload(found[0].as_bytes().decode("ascii", "surrogateescape").lstrip("\n"))
    decoded = wrapper.get_payload(decode=True)
    if not isinstance(decoded, bytes) or not decoded.strip():
        return found
    inner = BytesParser(policy=policy.compat32).parsebytes(decoded)
    return [inner] if inner.keys() else found


def report(part: Message) -> str:
    """The fields of a report of delivery or reading, block by block."""
    blocks = []
    for block in children(part):
        lines = [
            f"{name}: {' '.join(decode_words(str(v)).split())}" for name, v in block.raw_items()
        ]
        text = block.get_payload()
        blocks.append("\n".join([*lines, *([text.strip()] if isinstance(text, str) else [])]))
    if not blocks:
        payload = part.get_payload(decode=True)
        blocks = [decode(payload)] if isinstance(payload, bytes) else []
    return "\n\n".join(block for block in blocks if block.strip())


def mended(part: Message) -> Message | None:
    """A multipart without its boundary, parsed by the boundary that its text shows."""
    data = _raw(part)
    found = _BOUNDARY.search(data)
    if not found:
        return None
    kind = part.get_content_type().encode()
    head = b"Content-Type: " + kind + b'; boundary="' + found[1] + b'"\n\n'
    again = BytesParser(policy=policy.compat32).parsebytes(head + data)
    return again if children(again) else None


def read_unbounded(part: Message, draft: Draft) -> None:
    """Read the text of a multipart that has no parts."""
    data = _raw(part)
    if not data.strip():
        return
    draft.warn(WarningCode.REPAIRED, "the message has no parts where it announces some")
    text = decode(data, draft=draft, place="the body")
    if re.search("<(?:html|body|p|div|br)[ >/]", text, re.IGNORECASE):
        parse_html(text, draft, is_page=False)
    else:
        parse_text(text, draft)


def read_beside(text: str | None, draft: Draft) -> None:
    """Read what stands before or after the parts, unless it only explains the format."""
    if text and text.strip() and not _USUAL_PREAMBLE.search(text):
        parse_text(decode(text.encode("ascii", "surrogateescape"), draft=draft), draft)


def attached(part: Message) -> list[Message]:
    """The attachments in a version of the body, which belong to the message, not to the version."""
    inside = [leaf for leaf in part.walk() if not leaf.is_multipart()] if children(part) else []
    return [leaf for leaf in inside if leaf.get_content_disposition() == "attachment"]


def read_leaf(part: Message, kind: str, draft: Draft, attachments: Attachments | None) -> None:
    """Read a part; a warning says why one is not read.

    Args:
        part: The part.
        kind: Its media type.
        draft: Gets the text.
        attachments: Reads what is no text; None leaves it out.
    """
    name = part_name(part)
    payload = _decoded(part)
    if kind in _SIGNATURES or not isinstance(payload, bytes) or not payload.strip():
        return
    if kind in _OF_PAGES and part.get_content_disposition() != "attachment":
        return
    if kind in _ENCRYPTED:
        draft.warn(
            WarningCode.PART_NOT_READ,
            f"a part of the message is encrypted, or signed in one piece ({kind}), "
            "and was not read",
        )
        return
    if not _has_text(kind, name, payload):
        what = f"the attachment {name}" if name else f"a part without a name ({kind})"
        if _is_picture_of_page(part, kind):
            refuse(what, draft, "it is a picture in the body")
        elif attachments is not None:
            attachments.read(payload, name, draft, what=what)
        return
    if name:
        draft.add_heading(2, name)
    _read_text(part, kind, name, payload, draft)


def _decoded(part: Message) -> object:
    """The content of a part; a text that a mailing list adds to base64 is kept."""
    payload = part.get_payload(decode=True)
    raw = part.get_payload()
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding != "base64" or not isinstance(raw, str) or not isinstance(payload, bytes):
        return payload
    if _PADDED_INSIDE.search(raw):
        pieces = _PADDING.findall("".join(raw.split()))
        if all(len(piece) % 4 == 0 and _BASE64.fullmatch(piece.encode()) for piece in pieces):
            return b"".join(base64.b64decode(piece) for piece in pieces)
    lines = raw.encode("ascii", "surrogateescape").splitlines(keepends=True)
    count = next((at for at, line in enumerate(lines) if not _BASE64.fullmatch(line)), len(lines))
    if count == len(lines):
        return payload
    code = b"".join(b"".join(lines[:count]).split())
    if not code or any(_LONG_BASE64.fullmatch(line) for line in lines[count:]):
        return payload
    code = code.rstrip(b"=")[: len(code) - (len(code.rstrip(b"=")) % 4 == 1)]
    return base64.b64decode(code + b"=" * (-len(code) % 4)) + b"\n\n" + b"".join(lines[count:])


def _is_picture_of_page(part: Message, kind: str) -> bool:
    """Whether it is a picture that the body shows: mostly a logo, or an icon of a saved page."""
    is_shown = part["Content-ID"] is not None or part["Content-Location"] is not None
    return kind.startswith("image/") and is_shown and part.get_content_disposition() != "attachment"


def _has_text(kind: str, name: str, payload: bytes) -> bool:
    suffix = PurePosixPath(name).suffix.lower()
    is_textual = kind.startswith("text/") and kind not in _NOT_TEXT
    if not (is_textual or kind in _TEXT_TYPES or suffix in _TEXT_SUFFIXES):
        return False
    return is_text(payload[:_SNIFFED_BYTES]) and not payload.startswith(
        (b"{\\rtf", b"%PDF-", b"PK\3")
    )


def _read_text(part: Message, kind: str, name: str, payload: bytes, draft: Draft) -> None:
    suffix = PurePosixPath(name).suffix.lower()
    is_html = kind in _HTML or (not kind.startswith("text/") and suffix in {".html", ".htm"})
    is_html = is_html or (kind == "text/plain" and not name and bool(_PAGE.match(payload)))
    text = decode(
        payload,
        markup=is_html or suffix == ".xml",
        declared=_charset(part),
        draft=draft,
        place=name or "the body",
    )
    if is_html:
        parse_html(text, draft, is_page=False)
    elif kind in {"text/calendar", "application/ics"} or suffix == ".ics":
        draft.add(calendar_text(text))
    elif kind in {"text/markdown", "text/x-markdown"} or suffix in {".md", ".markdown"}:
        parse_markdown(text, draft)
    elif kind in _TAGGED:
        parse_text(_TAG.sub("", text.replace("<<", "<")), draft)
    else:
        parse_text(_plain(part, text, draft), draft)


def _charset(part: Message) -> str | None:
    charset = part.get_content_charset()
    return str(charset) if charset else None


def _plain(part: Message, text: str, draft: Draft) -> str:
    """Join soft line breaks, and replace files in the text by their names."""
    text = text.replace("\r\n", "\n")
    if str(part.get_param("format", "")).lower() == "flowed":
        glue = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
        text = _SOFT_BREAK.sub(glue, text)
    for found in _UUENCODED.finditer(text):
        draft.warn(
            WarningCode.ATTACHMENT_NOT_READ, f"the attachment {found['name'].strip()} was not read"
        )
    return _UUENCODED.sub(lambda found: f"Attachment: {found['name'].strip()}", text)


def _raw(part: Message) -> bytes:
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding in {"base64", "quoted-printable"}:
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else b""
    payload = part.get_payload()
    return payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else b""
