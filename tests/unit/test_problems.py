"""The table from errors to HTTP statuses."""

import json
from datetime import timedelta
from http import HTTPStatus

import pytest
from fastapi import Request
from fastapi.exceptions import RequestValidationError

from ingest.domain import errors
from serve import problems


def a_request() -> Request:
    return Request({"type": "http", "headers": [], "state": {"correlation_id": "corr-1"}})


def test_every_error_has_a_status_of_its_own() -> None:
    assert set(errors.CODES.values()) ^ set(problems.STATUS) == set()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Unauthenticated(), 401),
        (errors.NotFound(), 404),
        (errors.Conflict(), 409),
        (errors.DocumentTooLarge(), 413),
        (errors.BodyTooLarge(), 413),
        (errors.UnsupportedMediaType(), 415),
        (errors.DocumentEmpty(), 422),
        (errors.InvalidFilename(), 422),
        (errors.InvalidRequest(), 422),
        (errors.RateLimited(), 429),
        (errors.IllegalTransition(), 500),
        (errors.StoreUnavailable(), 503),
    ],
)
async def test_a_problem_names_status_code_detail_and_request(
    error: errors.IngestError, status: int
) -> None:
    response = await problems.on_ingest_error(a_request(), error)

    assert response.status_code == status
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body)) == {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": error.message,
        "instance": "corr-1",
    }


async def test_a_subclass_that_is_not_listed_has_the_status_of_its_base() -> None:
    class Torn(errors.UnsupportedMediaType):
        code = "torn"

    assert problems.status_of(Torn()) is HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (errors.StoreUnavailable("away"), "2"),
        (errors.StoreUnavailable("away", retry_after=timedelta(seconds=7)), "7"),
        (errors.RateLimited("slow", retry_after=timedelta(milliseconds=300)), "1"),
    ],
)
async def test_what_may_be_repeated_says_when(error: errors.IngestError, seconds: str) -> None:
    response = await problems.on_ingest_error(a_request(), error)

    assert response.headers["retry-after"] == seconds


async def test_an_error_that_repeating_does_not_help_has_no_retry_after() -> None:
    response = await problems.on_ingest_error(a_request(), errors.Conflict("taken"))

    assert "retry-after" not in response.headers


async def test_unauthenticated_names_the_scheme() -> None:
    response = await problems.on_ingest_error(a_request(), errors.Unauthenticated())

    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_field_name_that_is_no_text_can_be_told() -> None:
    error = RequestValidationError(
        [{"loc": ("body", "k\ud800"), "msg": "extra", "type": "x", "input": "s3cret"}]
    )

    response = await problems.on_invalid_request(a_request(), error)

    assert response.status_code == 422
    assert json.loads(bytes(response.body))["errors"] == [
        {"field": "body.k\ud800", "message": "extra"}
    ]
    assert b"s3cret" not in response.body
