"""Every error survives a trip through Ray, has one code, and says whether to try again."""

import pickle
import re
from datetime import timedelta
from inspect import Parameter, signature

import pytest

from ingest.domain.errors import (
    CODES,
    BudgetExhausted,
    DocumentRejected,
    IngestError,
    MustWait,
    ParseUnderway,
    PausedByOperator,
    ProviderPaused,
    RateLimited,
    RequestRejected,
    SourceGone,
    TransientError,
    Unexpected,
    classes_below,
    of_code,
)

KINDS = list(CODES.values())


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_survives_pickling_with_its_attributes(kind: type[IngestError]) -> None:
    error = kind("the document 'd' has 412 pages, limit 400")
    if isinstance(error, TransientError):
        error.retry_after = timedelta(seconds=7)

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(copy) is kind
    assert (copy.message, str(copy), copy.args) == (error.message, str(error), error.args)
    assert copy.__dict__ == error.__dict__
    assert (copy.code, copy.retryable) == (error.code, error.retryable)


@pytest.mark.parametrize("kind", KINDS)
def test_no_constructor_needs_more_than_a_message(kind: type[IngestError]) -> None:
    needed = [
        parameter
        for parameter in signature(kind).parameters.values()
        if parameter.default is Parameter.empty
    ]

    assert needed == []
    assert kind().message


def test_codes_are_snake_case() -> None:
    assert [code for code in CODES if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []


def test_only_transient_errors_are_tried_again() -> None:
    retryable = {kind for kind in KINDS if kind.retryable}

    assert retryable == {kind for kind in KINDS if issubclass(kind, TransientError)}
    assert not any(issubclass(kind, DocumentRejected | RequestRejected) for kind in retryable)


def test_retry_after_survives_when_it_was_given_at_the_start() -> None:
    error = RateLimited("slow down", retry_after=timedelta(seconds=3))

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert copy.retry_after == timedelta(seconds=3)
    assert str(copy) == "slow down"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_found_by_its_code(kind: type[IngestError]) -> None:
    again = of_code(kind.code, "what happened")

    assert (type(again), again.message) == (kind, "what happened")


def test_an_unknown_code_is_tried_again() -> None:
    assert type(of_code("of_the_future", "hm")) is Unexpected


def test_a_class_stands_for_itself_and_all_below_it() -> None:
    assert set(classes_below("MustWait")) == {
        MustWait,
        ProviderPaused,
        BudgetExhausted,
        ParseUnderway,
        PausedByOperator,
    }
    assert set(classes_below("IngestError")) == set(KINDS)
    assert classes_below("SourceGone") == (SourceGone,)
    assert classes_below("NoSuchError") == ()
