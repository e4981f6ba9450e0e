"""What parent and child tell each other through the socket."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.adapters.parsers.local import frames
from ingest.domain.errors import (
    DocumentEmpty,
    DocumentRejected,
    DocumentUnreadable,
    classes_below,
)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\x02" + (4).to_bytes(4) + (2**60).to_bytes(8), "a body without end"),
        (b"\x02" + (2**32 - 1).to_bytes(4) + (0).to_bytes(8), "a name without end"),
        (b"\x63" + (2).to_bytes(4) + (0).to_bytes(8) + b'""', "an unknown kind"),
        (b"\x02" + (2).to_bytes(4) + (0).to_bytes(8) + b"\xff\xff", "a name that is no text"),
    ],
)
def test_the_parent_believes_no_frame_that_the_parser_cannot_have_sent(
    sent: bytes, why: str
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(sent)

        with pytest.raises(frames.Closed):
            frames.receive(ours, deadline=time.monotonic() + 5, max_body_bytes=1_000_000)


def test_a_frame_arrives_as_it_was_sent() -> None:
    sent = frames.Frame(frames.Kind.DOCUMENT, "n\ud800ame\n.txt", b"body" * 1_000_000)
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor() as other:
        sending = other.submit(frames.send, theirs, sent)

        assert frames.receive(ours, deadline=time.monotonic() + 5) == sent
        sending.result()


@pytest.mark.parametrize("kind", classes_below("DocumentRejected"))
def test_a_rejection_arrives_as_the_error_that_it_was(kind: type[DocumentRejected]) -> None:
    again = frames.rejected(frames.rejection(kind("it has 412 pages, limit 400")))

    assert (type(again), again.message) == (kind, "it has 412 pages, limit 400")


def test_an_empty_document_arrives_with_its_number_of_pages() -> None:
    again = frames.rejected(frames.rejection(DocumentEmpty("there is no text", pages=7)))

    assert isinstance(again, DocumentEmpty)
    assert again.pages == 7


@pytest.mark.parametrize("code", ["store_unavailable", "unauthenticated", "of_the_future"])
def test_a_child_can_only_reject_its_document(code: str) -> None:
    error = frames.rejected(frames.Frame(frames.Kind.REJECTED, code, b'["hm", {}]'))

    assert type(error) is DocumentUnreadable
