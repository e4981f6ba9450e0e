"""Variables that hold JSON."""

import json
from typing import Any


def from_json(value: Any) -> Any:
    """Read a variable that holds JSON.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as exc:
        raise ValueError(f"is not valid JSON: {exc}") from None
