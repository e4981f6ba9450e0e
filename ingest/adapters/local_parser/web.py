"""HTML through kreuzberg; mail through the standard library, its HTML bodies as HTML."""

import re
from email import policy
from email.errors import MessageError
from email.message import MIMEPart
from email.parser import BytesParser

from ingest.adapters.local_parser.draft import Draft
from ingest.adapters.local_parser.library import extract
from ingest.adapters.local_parser.plain import decode
from ingest.domain.document import MediaType
from ingest.domain.errors import DocumentUnreadable

_FRONT_MATTER = re.compile(
    r"<(?:meta|link|base)\b[^>]*>|<title\b[^>]*>[^<]*</title\s*>", re.IGNORECASE
)
_MAIL_HEADERS = ("Subject", "From", "To", "Cc", "Date")


def parse_html(markup: str, draft: Draft) -> None:
    """Read a page's body; what only describes the page is left out."""
    body = _FRONT_MATTER.sub("", markup).encode("utf-8", "replace")
    if body.strip():
        draft.add_markdown(extract(body, MediaType.HTML).content, escaped=True)


def parse_eml(data: bytes, draft: Draft) -> None:
    """Read a message: its headers, its body (plain rather than HTML), names of attachments."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(data)
        _write_message(message, draft)
    except (MessageError, LookupError, ValueError, AttributeError, IndexError) as exc:
        raise DocumentUnreadable("the message cannot be decoded") from exc


def _write_message(message: MIMEPart, draft: Draft) -> None:
    lines = [f"{name}: {message[name]}" for name in _MAIL_HEADERS if message[name]]
    body = message.get_body(("plain", "html"))
    attached = [part.get_filename() for part in message.iter_attachments()]
    lines += [f"Attachment: {name}" for name in attached if name]
    if lines:
        draft.add("\n".join(lines))
    if body is None:
        return
    if body.get_content_subtype() == "html":
        parse_html(_content(body), draft)
    else:
        draft.add(_content(body))


def _content(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset()
    if charset:
        try:
            return payload.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(payload, html=part.get_content_subtype() == "html")
