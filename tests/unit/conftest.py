"""The local parser for the tests of formats, one a test file."""

import asyncio
from collections.abc import Iterator

import pytest

from ingest.adapters.parsers.local import LocalParser
from tests import samples
from tests.unit.parsing import Parse, checked


@pytest.fixture(scope="module")
def parser() -> Iterator[LocalParser]:
    """A parser whose child lives as long as the tests of one file."""
    opened = samples.local_parser()
    yield opened
    asyncio.run(opened.close())


@pytest.fixture
def parse(parser: LocalParser) -> Parse:
    """Parses by name and content, and checks the landmarks."""
    return checked(parser)
