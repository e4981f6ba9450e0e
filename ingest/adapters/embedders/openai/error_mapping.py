"""Maps the errors of OpenAI's API to ours: for the job, the rate limiter and the ledger."""

import re
from collections.abc import Mapping
from datetime import timedelta

import openai

from ingest.domain.errors import (
    BillingRefused,
    CredentialsRefused,
    IngestError,
    InputRefused,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    RequestTooLarge,
)
from ingest.domain.pricing import CallState, Charge
from ingest.domain.provider import CallFailed, Limits, Outcome, QuotaUnit, Report

# developers.openai.com/api/docs/guides/error-codes
_BILLING = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
CONTENT_STATUSES = frozenset({400, 413, 422})
"""Statuses that refuse the content; any other refusal is about the caller or the provider."""
_TOO_LARGE = frozenset({"max_tokens_per_request", "context_length_exceeded"})
_INPUT_INDEX = re.compile(r"input\[(\d+)\]")
_PLENTY_SECONDS = 120.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def understand(error: openai.OpenAIError) -> CallFailed:
    """Map an error of the SDK."""
    if isinstance(error, openai.APIStatusError):
        return _status(error)
    if isinstance(error, openai.APITimeoutError):
        return lost("timeout", "OpenAI did not answer in time")
    cause = type(error.__cause__).__name__
    if cause in {"ConnectError", "ConnectTimeout", "PoolTimeout"}:
        return CallFailed(
            ProviderUnavailable(f"OpenAI cannot be reached ({cause})"),
            Report(Outcome.FAILED),
            state=CallState.RELEASED,
            charge=Charge(error_code="not_connected"),
        )
    return lost("connection_lost", f"the connection to OpenAI broke ({cause})")


def lost(code: str, message: str, *, request_id: str | None = None) -> CallFailed:
    """Report a request without a usable answer; it may have been charged."""
    return CallFailed(
        ProviderUnavailable(message),
        Report(Outcome.FAILED),
        state=CallState.UNKNOWN,
        charge=Charge(request_id=request_id, error_code=code),
    )


def limits(headers: Mapping[str, str]) -> Limits:
    """Read the limits in the headers of an answer."""
    return Limits(
        requests=_number(headers.get("x-ratelimit-limit-requests")),
        requests_left=_number(headers.get("x-ratelimit-remaining-requests")),
        tokens=_number(headers.get("x-ratelimit-limit-tokens")),
        tokens_left=_number(headers.get("x-ratelimit-remaining-tokens")),
    )


def _status(error: openai.APIStatusError) -> CallFailed:
    code = error.code or error.type or f"http_{error.status_code}"
    meaning, outcome = _meaning(error, code)
    headers = error.response.headers
    return CallFailed(
        meaning,
        Report(
            outcome,
            retry_after=_retry_after(error),
            limits=limits(headers),
            refused_by=QuotaUnit(error.type) if error.type in list(QuotaUnit) else None,
        ),
        state=CallState.RELEASED,
        charge=Charge(request_id=headers.get("x-request-id"), error_code=code),
    )


def _meaning(error: openai.APIStatusError, code: str) -> tuple[IngestError, Outcome]:
    status = error.status_code
    if code in _BILLING or error.type == "insufficient_quota" or status == 402:
        return BillingRefused(
            f"OpenAI asks for payment first ({code}); check its billing page"
        ), Outcome.BILLING
    if status in {401, 403}:
        return CredentialsRefused(f"OpenAI does not accept the key ({code})"), Outcome.CREDENTIALS
    if status == 429:
        return _limited(error, code)
    if status in {408, 409} or status >= 500:
        message = f"OpenAI failed with HTTP {status}"
        return ProviderUnavailable(message), Outcome.FAILED
    if status in CONTENT_STATUSES:
        return _refusal(error, code), Outcome.ANSWERED
    return ProviderRefused(f"OpenAI refused with HTTP {status} ({code})"), Outcome.ANSWERED


def _limited(error: openai.APIStatusError, code: str) -> tuple[IngestError, Outcome]:
    text = str(error.message)
    if "Request too large" in text:
        message = "one request is over the limit of tokens a minute"
        return RequestTooLarge(message), Outcome.ANSWERED
    wait = timedelta(seconds=_retry_after(error) or 1.0)
    limited = RateLimited("OpenAI asked to slow down", retry_after=wait)
    return limited, Outcome.SLOW_DOWN if code == "slow_down" else Outcome.LIMITED


def _refusal(error: openai.APIStatusError, code: str) -> InputRefused:
    """Map a 400: the content, or its size. The message may quote the content, so it is left out."""
    text = str(error.message)
    found = _INPUT_INDEX.search(text)
    index = int(found[1]) if found else None
    if error.status_code == 413 or code in _TOO_LARGE or "maximum context length" in text:
        return RequestTooLarge("OpenAI says that the request is too large", index=index)
    if "maximum input length" in text:
        return InputRefused("a text is longer than the model accepts", index=index)
    return InputRefused(f"OpenAI refused a text (HTTP {error.status_code}, {code})", index=index)


def _retry_after(error: openai.APIStatusError) -> float | None:
    headers = error.response.headers
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, _PLENTY_SECONDS)
    if (given := _number(headers.get("retry-after"))) is not None:
        return min(given, _PLENTY_SECONDS)
    found = re.search(r"try again in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)", str(error.message))
    if found is None:
        return None
    parts = _DURATION.findall(found[1])
    return min(sum(float(number) * _UNITS[unit] for number, unit in parts), _PLENTY_SECONDS)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
