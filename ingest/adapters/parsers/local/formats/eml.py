"""Reads mail: all texts of a message, of the messages inside it, and of an mbox."""

from collections.abc import Callable
from email import policy
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser

from ingest.adapters.parsers.local.draft import Draft
from ingest.adapters.parsers.local.formats.attached import Attachments
from ingest.adapters.parsers.local.formats.mail import parts
from ingest.adapters.parsers.local.formats.mail.alternatives import Alternatives
from ingest.adapters.parsers.local.formats.mail.headers import header, header_lines, part_name
from ingest.adapters.parsers.local.formats.mail.mbox import messages
from ingest.domain.document import ParsedDocument
from ingest.domain.parse_warning import WarningCode
from ingest.domain.text_bytes import as_utf8

_MAX_DEPTH = 30
_FAULTS = (MessageError, LookupError, ValueError, AttributeError, TypeError)


def parse_eml(data: bytes, draft: Draft, parse: Callable[..., ParsedDocument]) -> None:
    """Read a message or an mbox: headers, bodies, and what is attached.

    Args:
        data: The file.
        draft: Gets the text.
        parse: The parser of one document, ``parse_document``.
    """
    found = list(messages(as_utf8(data)))
    attachments = Attachments(parse)
    for number, raw in enumerate(found, start=1):
        message = _parsed(raw)
        if len(found) > 1:
            draft.add_heading(1, header(message, "Subject") or f"Message {number}")
        _MailReader(draft, attachments).read(message)


def _parsed(raw: bytes) -> Message:
    # The newer policy interprets each field, and raises for some that are malformed.
    return BytesParser(policy=policy.compat32).parsebytes(raw)


class _MailReader:
    """Writes the parts of a message into a draft."""

    def __init__(
        self,
        draft: Draft,
        attachments: Attachments | None,
        *,
        measures: Alternatives | None = None,
    ) -> None:
        self._draft = draft
        self._attachments = attachments
        self._alternatives = measures or Alternatives(self._measured)
        self._depth = 0

    def read(self, message: Message) -> None:
        """Write the headers of a message and its parts."""
        lines = header_lines(message)
        lines += [f"Attachment: {name}" for name in _attached_names(message, 0)]
        self._draft.add("\n".join(lines))
        self._part(message)

    def _part(self, part: Message) -> None:
        if self._depth >= _MAX_DEPTH:
            self._warn("parts of the message are nested too deeply and were not read")
            return
        self._depth += 1
        try:
            self._read_part(part)
        except _FAULTS as exc:
            self._warn(f"a damaged part of the message was not read ({type(exc).__name__})")
        finally:
            self._depth -= 1

    def _read_part(self, part: Message) -> None:
        kind = part.get_content_type()
        if kind.startswith("multipart/"):
            self._multipart(part, kind)
        elif kind == "message/external-body":
            self._warn("a part of the message is stored elsewhere, and was not read")
        elif kind in parts.MESSAGES or (kind == "message/partial" and parts.children(part)):
            if kind == "message/partial":
                self._warn("the message is one part of a divided message; the others are not here")
            for inner in parts.inner_messages(part):
                self._draft.add_heading(2, header(inner, "Subject") or "Forwarded message")
                self.read(inner)
        elif kind in parts.REPORTS:
            self._draft.add(parts.report(part))
        else:
            parts.read_leaf(part, kind, self._draft, self._attachments)

    def _multipart(self, part: Message, kind: str) -> None:
        children = parts.children(part)
        if kind == "multipart/encrypted":
            self._warn("the body of the message is encrypted and was not read")
            return
        if not children:
            mended = parts.mended(part)
            if mended is None:
                parts.read_unbounded(part, self._draft)
                return
            self._draft.warn(
                WarningCode.REPAIRED,
                "the message does not name the boundary of its parts, and it was found in the text",
            )
            part, children = mended, parts.children(mended)
        attached: list[Message] = []
        if kind == "multipart/alternative":
            chosen = self._alternatives.chosen(children, self._draft)
            left = [child for child in children if child not in chosen]
            attached = [part for child in left for part in parts.attached(child)]
            children = chosen
        parts.read_beside(part.preamble, self._draft)
        for child in [*children, *attached]:
            self._part(child)
        parts.read_beside(part.epilogue, self._draft)

    def _measured(self, part: Message) -> str:
        """The text of a part, written nowhere."""
        draft = self._draft.scratch()
        reader = _MailReader(draft, None, measures=self._alternatives)
        reader._depth = self._depth
        reader._part(part)
        return draft.text

    def _warn(self, message: str) -> None:
        self._draft.warn(WarningCode.PART_NOT_READ, message)


def _attached_names(part: Message, depth: int) -> list[str]:
    """Names of the attachments of a message, without those of messages inside it."""
    names = []
    for child in parts.children(part) if depth < _MAX_DEPTH else ():
        try:
            name = part_name(child)
        except _FAULTS:
            continue
        names += [name] if name else []
        if child.get_content_maintype() == "multipart":
            names += _attached_names(child, depth + 1)
    if not depth and not part.is_multipart():
        name = part_name(part)
        names += [name] if name else []
    return names
