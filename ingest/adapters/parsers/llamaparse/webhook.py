"""Verifies and reads webhooks of LlamaParse."""

import hashlib
import hmac
import json

from ingest.domain.errors import InvalidRequest

SIGNATURE = "LC-Signature"
_PREFIX = "sha256="


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether the signature is of exactly these bytes."""
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature.encode(), f"{_PREFIX}{wanted}".encode())


def read(body: bytes) -> tuple[str, str]:
    """Read the type of the event, and the provider's id of the parse.

    The body is an object, or a string that holds one, depending on the output format.

    Raises:
        InvalidRequest: the body has another structure, or a field is missing.
    """
    try:
        content = json.loads(body)
        if isinstance(content, str):
            content = json.loads(content)
        event, data = content["event_type"], content["data"]
        name = data.get("job_id") or data["id"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise InvalidRequest("the body is not an event of LlamaParse") from exc
    if not isinstance(event, str) or not isinstance(name, str) or len(event) > 100:
        raise InvalidRequest("the body is not an event of LlamaParse")
    return event, name
