"""What each way in which LlamaParse can fail means: for the work, the provider, the money."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import llama_cloud

from ingest.domain.errors import (
    BillingRefused,
    CredentialsRefused,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentUnreadable,
    IngestError,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    TooManyPages,
    UnsupportedMediaType,
)
from ingest.domain.pricing import CallState, Charge
from ingest.domain.provider import CallFailed, Outcome, Report

# LlamaCloud's troubleshooting page; what is not here may pass: it is tried again.
_JOB_CODES: dict[str, type[IngestError]] = {
    "UNSUPPORTED_FILE_TYPE": UnsupportedMediaType,
    "PDF_IS_PROTECTED": DocumentEncrypted,
    "PDF_IS_BROKEN": DocumentUnreadable,
    "NO_DATA_FOUND_IN_FILE": DocumentEmpty,
    "DOCUMENT_TOO_LARGE": DocumentTooLarge,
    "TOO_MANY_PAGES": TooManyPages,
}
_CODE = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")


@dataclass(frozen=True, slots=True)
class _Meaning:
    error: IngestError
    outcome: Outcome


@contextmanager
def understood() -> Iterator[None]:
    """Around a call of the SDK.

    Raises:
        CallFailed: what it failed with, as we understand it.
    """
    try:
        yield
    except llama_cloud.LlamaCloudError as exc:
        raise understand(exc) from exc
    except ValueError as exc:  # the SDK lets JSON that broke off through
        raise lost("LlamaParse's answer broke off") from exc


def understand(error: llama_cloud.LlamaCloudError) -> CallFailed:
    """Say what an error of the SDK means."""
    if isinstance(error, llama_cloud.APIStatusError):
        meaning = _status(error.status_code)
        # What answers for a service that is down does not know what the service has done.
        maybe = error.status_code >= 500
        return CallFailed(
            meaning.error,
            Report(meaning.outcome),
            state=CallState.RESERVED if maybe else CallState.RELEASED,
            charge=Charge(error_code=f"http_{error.status_code}"),
        )
    cause = type(error.__cause__).__name__
    if cause in {"ConnectError", "ConnectTimeout", "PoolTimeout"}:
        return CallFailed(
            ProviderUnavailable(f"LlamaParse cannot be reached ({cause})"),
            Report(Outcome.FAILED),
            state=CallState.RELEASED,
            charge=Charge(error_code="not_connected"),
        )
    return lost("LlamaParse did not answer, or broke off")


def lost(message: str) -> CallFailed:
    """The request went out and no usable answer came back; it may have been acted upon."""
    return CallFailed(
        ProviderUnavailable(message),
        Report(Outcome.FAILED),
        state=CallState.RESERVED,
        charge=Charge(error_code="answer_lost"),
    )


def job_failure(message: str | None) -> IngestError:
    """Why a parse failed, by the code in the service's message."""
    found = next((code for code in _CODE.findall(message or "") if code in _JOB_CODES), None)
    if found is not None:
        return _JOB_CODES[found](f"LlamaParse refused the document ({found})")
    named = _CODE.search(message or "")
    return ProviderUnavailable(f"LlamaParse failed ({named[0] if named else 'no reason given'})")


def _status(status: int) -> _Meaning:
    if status == 401 or status == 403:
        error: IngestError = CredentialsRefused(
            "LlamaParse does not accept the key: unknown, revoked, or of another region"
        )
        return _Meaning(error, Outcome.CREDENTIALS)
    if status == 402:
        return _Meaning(BillingRefused("LlamaParse's credits are used up"), Outcome.BILLING)
    if status == 429:
        return _Meaning(RateLimited("LlamaParse asked to slow down"), Outcome.LIMITED)
    if status == 413:
        return _Meaning(
            DocumentTooLarge("the document is larger than LlamaParse takes"), Outcome.ANSWERED
        )
    if status in {404, 408, 409} or status >= 500:
        return _Meaning(ProviderUnavailable(f"LlamaParse failed with HTTP {status}"), _of(status))
    return _Meaning(ProviderRefused(f"LlamaParse refused with HTTP {status}"), Outcome.ANSWERED)


def _of(status: int) -> Outcome:
    """A file that is gone says nothing about the service."""
    return Outcome.ANSWERED if status == 404 else Outcome.FAILED
