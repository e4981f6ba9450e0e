"""The demo with simulated providers, which fail, limit the rate and charge money."""

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from ingest.cli.client.connect import connect
from ingest.cli.client.gateway_client import GatewayClient
from ingest.cli.exit_codes import CommandFailed
from ingest.cli.output import Json, duration, plural
from ingest.cli.process import run_async
from ingest.cli.render import status_report
from ingest.cli.system import temporary_system
from ingest.cli.uploads.select_files import select
from ingest.cli.uploads.transfer import Transfer
from ingest.cli.uploads.upload_options import UploadOptions
from ingest.demo import corpus

Say = Callable[[str], None]
TOKENS_PER_MINUTE = 20_000
OUTAGE_AFTER, OUTAGE_SECONDS = 8, 20
_LONGEST_SECONDS = 300.0
_POLL_SECONDS = 2.0
_LATER = "http://127.0.0.1:1"
"""Placeholder for a URL that is not known before the simulators run."""
_FAULTS = ("--error-rate", "0.05", "--seed", "3")
_OPENAI = (*_FAULTS, "--tpm", str(TOKENS_PER_MINUTE), "--latency", "0.2")
_LLAMAPARSE = (*_FAULTS, "--webhook-drop", "0.3", "--webhook-duplicate", "1", "--allow-loopback")


def perform(*, say: Say) -> Json:
    """Run the demo; stop and remove everything at the end, also after an error.

    Args:
        say: Receives a line for each step.

    Returns:
        The final figures, as both sides counted them.

    Raises:
        CommandError: a step failed, or the two sides do not agree.
    """
    temporary_system.ensure_startable(**_settings(_LATER, _LATER))
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(temporary_system.interruptible())
        folder = stack.enter_context(temporary_system.folder())
        openai = stack.enter_context(_simulator("openai", _OPENAI))
        llamaparse = stack.enter_context(_simulator("llamaparse", _LLAMAPARSE))
        say(
            f"1. simulated providers: 5 % of requests fail, 30 % of webhooks get lost, "
            f"{TOKENS_PER_MINUTE:,} tokens a minute"
        )
        files = corpus.render(folder / "documents")
        extra = _settings(openai, llamaparse)
        url = stack.enter_context(temporary_system.system(folder / "state", say, **extra))
        say(f"2. the system is ready after {duration(time.monotonic() - started)}: {url}")
        _post(openai, "/sim/faults", {"outages": [[OUTAGE_AFTER, OUTAGE_SECONDS]]})
        say(
            f"3. {plural(len(files), 'file')}; OpenAI will be down "
            f"from second {OUTAGE_AFTER} to second {OUTAGE_AFTER + OUTAGE_SECONDS}"
        )
        jobs = run_async(_ingest(url, folder / "documents", say))
        counted = run_async(_compare(url, openai, llamaparse))
        _tell(counted, say)
    say(f"5. stopped and removed; all in {duration(time.monotonic() - started)}")
    return {"jobs": dict(jobs), "counted": counted}


@contextmanager
def _simulator(provider: str, options: Sequence[str]) -> Iterator[str]:
    """Run a simulated provider in a process of its own; yields its URL."""
    process = subprocess.Popen(  # noqa: S603 the arguments are our own
        [sys.executable, "-m", "ingest.sim", provider, *options], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        word, _, url = line.strip().partition(" ")
        if word != "ready":
            raise CommandFailed(f"the simulated {provider} did not start")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _settings(openai: str, llamaparse: str) -> dict[str, str]:
    port = str(temporary_system.free_port())
    return {
        "INGEST_PORT": port,
        "INGEST_EMBEDDER": "openai",
        "INGEST_OPENAI_BASE_URL": f"{openai}/v1",
        "INGEST_OPENAI_API_KEYS": "sk-of-the-demo",
        "INGEST_OPENAI_TOKENS_PER_MINUTE": str(TOKENS_PER_MINUTE),
        "INGEST_PARSER": "llamaparse",
        "INGEST_LLAMAPARSE_BASE_URL": llamaparse,
        "INGEST_LLAMAPARSE_API_KEYS": "llx-of-the-demo",
        "INGEST_LLAMAPARSE_WEBHOOK_URL": f"http://{temporary_system.HOST}:{port}",
        "INGEST_LLAMAPARSE_WEBHOOK_SECRET": "whsec-of-the-demo",
        "INGEST_LLAMAPARSE_POLL_SECONDS": "3",
    }


def _post(url: str, path: str, body: Json) -> None:
    httpx.post(f"{url}{path}", json=body, trust_env=False).raise_for_status()


def _stats(url: str) -> Json:
    answer: Json = httpx.get(f"{url}/sim/stats", trust_env=False).raise_for_status().json()
    return answer


async def _ingest(url: str, folder: Path, say: Say) -> Counter[str]:
    """Upload the files, and print the progress of the jobs until all have ended."""
    transfer = Transfer(select([str(folder)]), UploadOptions(), wait=False)
    await transfer.run(url, None)
    started, shown = time.monotonic(), ""
    async with connect(url, None) as gateway:
        while time.monotonic() - started < _LONGEST_SECONDS:
            jobs = (await gateway.get("/v1/jobs", limit=200))["jobs"]
            states = Counter(_where(job) for job in jobs)
            line = ", ".join(f"{count} {where}" for where, count in sorted(states.items()))
            line += await _providers(gateway)
            if line != shown:
                shown = line
                say(f"   {duration(time.monotonic() - started):>6}: {line}")
            if all(job["finished_at"] for job in jobs):
                if states["done"] < len(jobs):
                    raise CommandFailed(f"not everything was ingested: {dict(states)}")
                return states
            await asyncio.sleep(_POLL_SECONDS)
    raise CommandFailed(f"the jobs did not end within {_LONGEST_SECONDS:g} seconds: {shown}")


def _where(job: Json) -> str:
    if job["state"] == "waiting":
        return f"waiting for {(job['waiting_for'] or {}).get('reason')}"
    return str(job["state"])


async def _providers(gateway: GatewayClient) -> str:
    """Describe providers whose circuit breaker is open."""
    _, about = await gateway.readiness()
    stopped = [key for key in about.get("providers") or [] if key["breaker"] != "closed"]
    return "".join(
        f"; circuit breaker for {key['provider']}: {status_report.breaker(key)}" for key in stopped
    )


async def _compare(url: str, openai: str, llamaparse: str) -> Json:
    """Compare our ledger with the counts of the providers."""
    async with connect(url, None) as gateway:
        usage = (await gateway.get("/v1/usage"))["usage"]
        total = (await gateway.get("/v1/usage"))["usd"]
    units = {
        provider: sum(row["units"] for row in usage if row["provider"] == provider)
        for provider in ("openai", "llamaparse")
    }
    theirs, parses = _stats(openai), _stats(llamaparse)
    return {
        "tokens": {"ledger": units["openai"], "openai": theirs["tokens_billed"]},
        "credits": {"ledger": units["llamaparse"], "llamaparse": parses["credits"]},
        "lost_tokens": sum(row["unknown_units"] for row in usage),
        "http_429": theirs["http_429"],
        "peak_tokens_in_a_minute": theirs["peak_tokens_in_a_minute"],
        "failed_requests": sum(theirs["by_fault"].values()),
        "webhooks": parses["webhooks"],
        "documents_parsed_twice": parses["duplicate_jobs"],
        "usd": total,
    }


def _tell(counted: Json, say: Say) -> None:
    tokens, parsed, hooks = counted["tokens"], counted["credits"], counted["webhooks"]
    say(f"4. everything is searchable, for ${counted['usd']}; what both sides counted:")
    lost = f", {counted['lost_tokens']:,} of them in answers that got lost"
    ours = f"{tokens['ledger']:,}{lost if counted['lost_tokens'] else ''}"
    say(f"   tokens   OpenAI's {tokens['openai']:,}; ours {ours}")
    say(f"   credits  LlamaParse's {parsed['llamaparse']:,}; ours {parsed['ledger']:,}")
    say(
        f"   quota    {counted['peak_tokens_in_a_minute']:,} tokens in the fullest minute of "
        f"{TOKENS_PER_MINUTE:,} allowed, refused for it (429): {counted['http_429']}"
    )
    say(
        f"   failures {counted['failed_requests']} requests to OpenAI; "
        f"{hooks['dropped']} of {hooks['sent']} webhooks never came; "
        f"{counted['documents_parsed_twice']} documents parsed twice"
    )
