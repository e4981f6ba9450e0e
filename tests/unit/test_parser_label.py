"""The label of a provider's parse: written and read by one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.domain.remote_parse import ParserLabel

NAMES = st.text(st.characters(exclude_characters="/@"), min_size=1)


def test_a_label_names_provider_tier_and_version() -> None:
    assert ParserLabel("llamaparse", "agentic", "latest").label == "llamaparse/agentic@latest"


@given(NAMES, NAMES, st.text())
def test_a_label_is_read_as_it_was_written(provider: str, tier: str, version: str) -> None:
    written = ParserLabel(provider, tier, version)

    assert ParserLabel.parse(written.label) == written


@pytest.mark.parametrize("label", ["", "local", "local/1", "llamaparse@latest"])
def test_other_labels_are_none_of_a_provider(label: str) -> None:
    assert ParserLabel.parse(label) is None
