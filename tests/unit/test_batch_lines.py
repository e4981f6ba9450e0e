"""What a line of a provider batch means: only what is said of a text refuses it."""

import json

import pytest

from ingest.adapters.embedders.openai.batch_api import understood
from ingest.domain.errors import InputRefused, ProviderUnavailable
from ingest.domain.provider_specs import OPENAI

MODEL = OPENAI.models["text-embedding-3-small"]


def line(status: int, code: str | None = None) -> str:
    body = {"error": {"message": "no", "type": "t", "param": None, "code": code}}
    response = {"status_code": status, "request_id": "r", "body": body}
    return json.dumps({"custom_id": "ab" * 32, "response": response, "error": None})


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_text_is_refused_for_its_content(status: int) -> None:
    [result] = understood([line(status)], MODEL)

    assert isinstance(result.error, InputRefused)
    assert result.text_sha256 == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 409, 429, 500, 503])
def test_what_is_wrong_with_the_account_or_the_provider_is_tried_again(status: int) -> None:
    [result] = understood([line(status, "insufficient_quota")], MODEL)

    assert isinstance(result.error, ProviderUnavailable), "the chunk would be left out for good"


def test_lines_that_cannot_be_read_are_as_if_they_were_missing() -> None:
    assert understood(["", "{", "[]", '{"custom_id": "zz"}'], MODEL) == []
