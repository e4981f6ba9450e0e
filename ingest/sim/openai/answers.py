"""Builds the answers of the embeddings endpoint, and damages them by fault."""

import base64
import json
from typing import Any

import numpy as np

from ingest.sim.openai import refusals
from ingest.sim.openai.vectors import shortened, vector


def answered(asked: dict[str, Any], texts: list[str], tokens: int, fault: str | None) -> bytes:
    """Build the body of an answer with status 200."""
    model = asked["model"]
    full, wanted = refusals.DIMENSIONS[model], asked.get("dimensions")
    floats = asked.get("encoding_format", "float") != "base64"
    data = []
    for index, text in enumerate(texts):
        numbers = vector(text, full)
        if wanted is not None and wanted != full:
            numbers = shortened(numbers, wanted)
        if index == len(texts) // 2:
            numbers = _spoiled(numbers, fault)
        embedding = numbers.tolist() if floats else base64.b64encode(numbers.tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    if fault == "empty_data":
        data = []
    if fault == "missing_item":
        data.pop()
    if fault == "out_of_order":
        data.reverse()
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return json.dumps({"object": "list", "data": data, "model": model, "usage": usage}).encode()


def _spoiled(numbers: Any, fault: str | None) -> Any:
    if fault == "wrong_dimension":
        return numbers[:-1]
    if fault == "nan":
        numbers = numbers.copy()
        numbers[0] = np.nan
    if fault == "zero_vector":
        return np.zeros_like(numbers)
    return numbers
