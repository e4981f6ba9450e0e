"""Reads mail with the standard library."""

from collections.abc import Iterator
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.html import parse_html
from ingest.adapters.parsers.local.formats.text import decode
from ingest.domain.errors import DocumentUnreadable

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_BODIES = frozenset({"text/plain", "text/html"})


def parse_eml(data: bytes, draft: Draft) -> None:
    """Read a message: its headers, its bodies (plain rather than HTML), names of attachments.

    Raises:
        DocumentUnreadable: the message cannot be decoded.
    """
    try:
        message = BytesParser(EmailMessage, policy=policy.default).parsebytes(data)
        lines = [f"{name}: {value}" for name in _HEADERS if (value := message[name])]
        attached = [part.get_filename() for part in message.walk() if _is_attached(part)]
        lines += [f"Attachment: {name}" for name in attached if name]
        bodies = [(part.get_content_type(), _content(part)) for part in _bodies(message)]
    except (MessageError, LookupError, ValueError, AttributeError, TypeError) as exc:
        raise DocumentUnreadable("the message cannot be decoded") from exc
    draft.add("\n".join(" ".join(line.split()) for line in lines))
    for content_type, content in bodies:
        if content_type == "text/html":
            parse_html(content, draft)
        else:
            draft.add(content)


def _is_attached(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _bodies(part: EmailMessage) -> Iterator[EmailMessage]:
    """The parts with the text of the message; of alternatives, only one."""
    if part.get_content_type() == "multipart/alternative":
        choices = [list(_bodies(child)) for child in _children(part)]
        said = [found for found in choices if any(_content(body).strip() for body in found)]
        plain = (f for f in said if all(b.get_content_subtype() == "plain" for b in f))
        yield from next(plain, said[0] if said else [])
    elif part.is_multipart() and part.get_content_maintype() == "multipart":
        for child in _children(part):
            yield from _bodies(child)
    elif part.get_content_type() in _BODIES and not _is_attached(part):
        yield part


def _children(part: EmailMessage) -> Iterator[EmailMessage]:
    return (child for child in part.iter_parts() if isinstance(child, EmailMessage))


def _content(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = part.get_content_charset()
    if charset:
        try:
            return payload.decode(charset)
        except (LookupError, UnicodeDecodeError):
            pass
    return decode(payload, markup=part.get_content_subtype() == "html")
