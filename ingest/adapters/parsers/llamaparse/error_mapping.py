"""Maps the errors of LlamaParse to ours: for the job, the rate limiter and the ledger."""

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

# The codes of LlamaCloud's troubleshooting page. Other codes may be temporary, and are retried.
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
    """Map the errors of a call of the SDK.

    Raises:
        CallFailed: the call failed.
    """
    try:
        yield
    except llama_cloud.LlamaCloudError as exc:
        raise understand(exc) from exc
    except ValueError as exc:  # the SDK does not map the error of incomplete JSON
        raise lost("LlamaParse's answer broke off") from exc


def understand(error: llama_cloud.LlamaCloudError) -> CallFailed:
    """Map an error of the SDK."""
    if isinstance(error, llama_cloud.APIStatusError):
        meaning = _status(error.status_code)
        # A proxy that answers for the service does not know whether the service acted.
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
    """Report a request without a usable answer; the service may have acted on it."""
    return CallFailed(
        ProviderUnavailable(message),
        Report(Outcome.FAILED),
        state=CallState.RESERVED,
        charge=Charge(error_code="answer_lost"),
    )


def job_failure(message: str | None) -> IngestError:
    """Map the failure of a parse, by the code in the service's message."""
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
            DocumentTooLarge("the document is larger than LlamaParse accepts"), Outcome.ANSWERED
        )
    if status in {404, 408, 409} or status >= 500:
        return _Meaning(ProviderUnavailable(f"LlamaParse failed with HTTP {status}"), _of(status))
    return _Meaning(ProviderRefused(f"LlamaParse refused with HTTP {status}"), Outcome.ANSWERED)


def _of(status: int) -> Outcome:
    """The outcome of a status for the rate limiter; a missing file is no failure of the service."""
    return Outcome.ANSWERED if status == 404 else Outcome.FAILED
