"""Splits an mbox into its messages."""

import re
from collections.abc import Iterator

_LEADING = b"\xef\xbb\xbf \t\r\n"
_ENVELOPE = re.compile(
    rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\d\d:\d\d[^\r\n]*\d{4}[^\r\n]*\r?\n"
    rb"(?=(?:>?From |[!-9;-~]+:))"
)
_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)


def messages(data: bytes) -> Iterator[bytes]:
    """The messages of an mbox, or the one message of a file that does not begin like an mbox."""
    data = data.lstrip(_LEADING)
    starts = list(_ENVELOPE.finditer(data))
    if not starts or starts[0].start() > 0:
        yield data
        return
    ends = [found.start() for found in starts[1:]] + [len(data)]
    for found, end in zip(starts, ends, strict=True):
        yield _QUOTED_FROM.sub(rb"\1", data[found.end() : end])
