"""Texts to a matrix through OpenAI's endpoint: our reading of the answer against the SDK's own.

The SDK gives each vector as a list of floats, which a script then makes an array of. The server
is the same for both, and each request has the same texts; they take turns.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import uuid4

import numpy as np
import openai

from benchmarks.corpus import prose
from benchmarks.report import Report, Results, run
from benchmarks.simulator import running_simulator
from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.embedders.openai.embedding import OpenAIEmbedding
from ingest.domain.embedding import Vectors
from ingest.domain.provider_specs import OPENAI

_MODEL = OPENAI.models["text-embedding-3-small"]
_INPUTS = 256
_KEY = "sk-wire"
Embed = Callable[[Sequence[str]], Awaitable[Vectors]]


def measure(quick: bool) -> Report:
    """Let both embed the same texts in turns."""
    rounds, requests = (5, 6) if quick else (15, 10)
    rng = random.Random(3)
    texts = [" ".join(prose(rng, 200)[0][1])[:200] for _ in range(_INPUTS)]
    with running_simulator("openai", "--key", _KEY, "--tpm", "1e12", "--rpm", "1e9") as simulator:
        results = asyncio.run(_compare(f"{simulator.url}/v1", texts, rounds, requests))
    settings = {"rounds": rounds, "requests": requests, "inputs": _INPUTS, "dimensions": 1536}
    return Report("embed_wire", settings, "the SDK's lists of floats, then numpy (sdk)", results)


async def _compare(url: str, texts: Sequence[str], rounds: int, requests: int) -> Results:
    ours = OpenAIEmbedding(_MODEL, base_url=url)
    sdk = openai.AsyncOpenAI(api_key=_KEY, base_url=url, max_retries=0)
    [key] = Keys(_KEY).current()

    async def by_ours(batch: Sequence[str]) -> Vectors:
        return (await ours.call(batch, key=key, call_id=uuid4())).vectors

    async def by_sdk(batch: Sequence[str]) -> Vectors:
        answer = await sdk.embeddings.create(model=_MODEL.name, input=list(batch))
        return np.array([entry.embedding for entry in answer.data], dtype=np.float32)

    if not np.allclose(await by_ours(texts), await by_sdk(texts), atol=1e-6):
        raise RuntimeError("the two ways give different vectors")
    samples = [
        (await _time(by_ours, texts, requests), await _time(by_sdk, texts, requests))
        for _ in range(rounds)
    ]
    await ours.close()
    await sdk.close()
    wall, wall_sdk, cpu, cpu_sdk = (
        statistics.median(pair[way][kind] for pair in samples) for kind in (0, 1) for way in (0, 1)
    )
    inputs = requests * len(texts)
    return {
        "inputs_per_s": inputs / wall,
        "inputs_per_s_sdk": inputs / wall_sdk,
        "ratio_vs_sdk": wall_sdk / wall,
        "cpu_us_per_input": 1e6 * cpu / inputs,
        "cpu_us_per_input_sdk": 1e6 * cpu_sdk / inputs,
        "ratio_cpu_vs_sdk": cpu_sdk / cpu,
    }


async def _time(embed: Embed, texts: Sequence[str], requests: int) -> tuple[float, float]:
    """Seconds on the clock and of this process's CPU, for requests one after the other."""
    began, used = time.perf_counter(), time.process_time()
    for _ in range(requests):
        await embed(texts)
    return time.perf_counter() - began, time.process_time() - used


if __name__ == "__main__":
    run(measure, description=__doc__)
