"""The refusals of OpenAI's endpoint, in its own words and order."""

from typing import Any

from ingest.sim.server import DROPPED, Reply

DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
MAX_INPUTS = 2048
MAX_INPUT_TOKENS = 8192
MAX_REQUEST_TOKENS = 300_000

_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>cloudflare</center></body>"


def error(
    status: int, message: str, kind: str | None, code: str | None, param: str | None = None
) -> Reply:
    """Build the body of an error."""
    body: dict[str, Any] = {
        "error": {"message": message, "type": kind, "param": param, "code": code}
    }
    if status == 401:
        body["status"] = 401
    return Reply.json(body, status)


def invalid(message: str, code: str | None = None, param: str | None = None) -> Reply:
    """Build an error with status 400."""
    return error(400, message, "invalid_request_error", code, param)


def of_key(header: str, known: frozenset[str]) -> Reply | None:
    """Refuse a missing or wrong key."""
    key = header.removeprefix("Bearer ").strip()
    if not key:
        return error(401, "You didn't provide an API key.", "invalid_request_error", None)
    if key in known or (not known and key.startswith("sk-")):
        return None
    shown = f"{key[:8]}*****{key[-4:]}" if len(key) > 12 else "*****"
    message = (
        f"Incorrect API key provided: {shown}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )
    return error(401, message, "invalid_request_error", "invalid_api_key")


def of_shape(body: Any) -> Reply | None:
    """Refuse a wrong model or a wrong form of the input."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        return invalid("you must provide a model parameter")
    if body["model"] not in DIMENSIONS:
        message = f"The model `{body['model']}` does not exist or you do not have access to it."
        return error(404, message, "invalid_request_error", "model_not_found")
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) for t in texts):
        return invalid("'$.input' is invalid. Please check the API reference.")
    if any(text == "" for text in texts):
        return invalid("Invalid 'input': input cannot be an empty string.", param="input")
    if len(texts) > MAX_INPUTS:
        return invalid(
            f"Invalid 'input': array too long. Expected an array length must be {MAX_INPUTS} or "
            f"less, but got an array with length {len(texts)} instead.",
            "array_above_max_length",
            "input",
        )
    return None


def of_size(counts: list[int]) -> Reply | None:
    """Refuse too many tokens in one input or in all."""
    for index, count in enumerate(counts):
        if count > MAX_INPUT_TOKENS:
            return invalid(
                f"Invalid 'input[{index}]': maximum input length is {MAX_INPUT_TOKENS} tokens.",
                param="input",
            )
    if (total := sum(counts)) > MAX_REQUEST_TOKENS:
        message = f"Requested {total} tokens, max {MAX_REQUEST_TOKENS} tokens per request"
        return error(400, message, "max_tokens_per_request", "max_tokens_per_request")
    return None


def of_dimensions(model: str, wanted: Any) -> Reply | None:
    """Refuse a wrong number of dimensions."""
    if wanted is None:
        return None
    if model == "text-embedding-ada-002":
        return invalid("This model does not support specifying dimensions.")
    most = DIMENSIONS[model]
    if not isinstance(wanted, int) or not 1 <= wanted <= most:
        return invalid(
            f"Invalid value for 'dimensions' = {wanted}. Must be less than or equal to {most}."
        )
    return None


def of_poison(texts: list[str], named: str | None, unnamed: str | None) -> Reply | None:
    """Refuse texts with a poison word, which tests configure."""
    for index, text in enumerate(texts):
        if named and named in text:
            return invalid(f"Invalid 'input[{index}]': the text is refused.", param="input")
        if unnamed and unnamed in text:
            return invalid("'$.input' is invalid. Please check the API reference.")
    return None


def of_fault(fault: str | None) -> Reply | None:
    """Answer with a fault before any work; None for later faults."""
    if fault == "500":
        message = "The server had an error while processing your request. Sorry about that!"
        return error(500, message, "server_error", None)
    if fault == "503":
        message = "That model is currently overloaded with other requests."
        return error(503, message, "service_unavailable_error", "server_is_overloaded")
    if fault == "html502":
        return Reply(502, _HTML, {"server": "cloudflare"}, "text/html")
    if fault == "drop_before":
        return DROPPED
    if fault == "slow_down":
        message = "Please reduce your request rate to its original level."
        return error(429, message, "rate_limit_error", "slow_down")
    if fault in {"insufficient_quota", "credit_balance_exhausted"}:
        message = "You exceeded your current quota, please check your plan and billing details."
        return error(429, message, "insufficient_quota", fault)
    return None
