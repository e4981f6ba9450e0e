"""Decodes the filename of a part of a form, however clients write it."""

import binascii
import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import unquote_to_bytes

from ingest.domain.errors import InvalidFilename

_ESCAPES = (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"))
"""Escapes that browsers use in a filename for characters that would end it."""
_PARAMETER = re.compile(
    r";\s*filename\*(?P<section>\d{1,3})?(?P<encoded>\*)?\s*=\s*"
    r"(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<token>[^;\s]*))"
    r"|;\s*[\w!#$&+.^`|~*-]+\s*=\s*(?:\"(?:[^\"\\]|\\.)*\"|[^;]*)",
    re.IGNORECASE,
)
_EXTENDED = re.compile(r"(?P<charset>[\w.:-]*)'[^']*'(?P<value>.*)", re.DOTALL)
_ENCODED_WORDS = re.compile(r"\s*(?:=\?[^?\s]+\?[bBqQ]\?[^?]*\?=\s*)+")


def form_filename(disposition: bytes, plain: bytes | None) -> str | None:
    """The filename in a Content-Disposition field; None when it has none.

    ``filename*`` is taken before ``filename``, unless it is empty or cannot be decoded.
    RFC 7578 forbids it in forms, but clients send it. A ``filename`` may be in RFC 2047 words, as
    .NET writes it.

    Args:
        disposition: The value of the field.
        plain: The value of its parameter ``filename``.

    Raises:
        InvalidFilename: it is not in the charset that it names, or not in UTF-8.
    """
    try:
        extended = _extended(disposition.decode("latin-1"))
    except InvalidFilename:
        if plain is None:
            raise
        extended = None
    if extended or plain is None:
        return extended
    try:
        name = plain.decode()
    except UnicodeDecodeError as exc:
        raise InvalidFilename("the filename is not UTF-8") from exc
    if _ENCODED_WORDS.fullmatch(name):
        return _decoded_words(name)
    for escape, char in _ESCAPES:
        name = name.replace(escape, char)
    return name


def _extended(disposition: str) -> str | None:
    """The name in ``filename*``, or in its numbered sections (RFC 2231)."""
    sections: dict[int, tuple[bool, str]] = {}
    for found in _PARAMETER.finditer(disposition):
        value = found["quoted"] if found["quoted"] is not None else found["token"]
        if value is None:
            continue
        is_whole = found["section"] is None
        number = -1 if is_whole else int(found["section"])
        sections.setdefault(number, (is_whole or found["encoded"] is not None, value))
    if -1 in sections:
        sections = {0: sections[-1]}
    if 0 not in sections:
        return None
    charset, data = "utf-8", b""
    for number in range(len(sections)):
        if number not in sections:
            break
        is_encoded, value = sections[number]
        if number == 0 and is_encoded and (split := _EXTENDED.fullmatch(value)):
            charset, value = split["charset"] or "utf-8", split["value"]
        data += unquote_to_bytes(value.encode("latin-1")) if is_encoded else value.encode("latin-1")
    try:
        return data.decode(codecs.lookup(charset).name)
    except (LookupError, UnicodeError) as exc:
        raise InvalidFilename(f"the filename is not {charset.upper()}") from exc


def _decoded_words(name: str) -> str:
    try:
        return str(make_header(decode_header(name)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError, binascii.Error):
        return name
