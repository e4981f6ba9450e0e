"""``python -m ingest.sim openai``."""

import argparse

from ingest.sim import faults, server
from ingest.sim.openai.api import KINDS, OpenAiApi
from ingest.sim.openai.endpoint_options import EndpointOptions
from ingest.sim.openai.rate_limits import HEADERS, MINUTE, QuotaOptions


def run(argv: list[str]) -> None:
    """Serve until a signal stops the process."""
    parser = argparse.ArgumentParser("python -m ingest.sim openai", description=__doc__)
    faults.add_options(parser, kinds=KINDS)
    parser.add_argument("--key", action="append", default=[], help="accepted key; default: sk-…")
    parser.add_argument("--rpm", type=float, default=3000, help="requests a minute for each key")
    parser.add_argument("--tpm", type=float, default=1_000_000, help="tokens a minute for each key")
    _add_quota_options(parser)
    parser.add_argument("--no-retry-after", action="store_true", help="leave the header out")
    parser.add_argument("--latency", type=float, default=0.0, help="mean seconds of an answer")
    parser.add_argument(
        "--latency-sigma", type=float, default=0.0, help="sigma of the log-normal distribution"
    )
    parser.add_argument("--poison", help="texts that hold this are refused, without saying which")
    parser.add_argument("--poison-named", help="texts that hold this are refused by their index")
    batches = parser.add_argument_group("batches")
    batches.add_argument(
        "--batch-seconds", type=float, default=2.0, help="seconds from creation to end"
    )
    batches.add_argument(
        "--batch-window", type=float, default=86_400.0, help="seconds after which the rest expires"
    )
    batches.add_argument(
        "--batch-queue-tokens",
        type=float,
        default=3_000_000,
        help="most queued tokens for each model",
    )
    batches.add_argument(
        "--batch-error-rate", type=float, default=0.0, help="share of requests that fail"
    )
    options = parser.parse_args(argv)
    switch = faults.FaultSwitch(faults.from_options(options))
    chosen = EndpointOptions(
        keys=frozenset(options.key),
        rpm=options.rpm,
        tpm=options.tpm,
        quota=QuotaOptions(
            bucket_seconds=options.bucket_seconds,
            steps=options.fill == "steps",
            windows=options.fill == "windows",
            headers=options.headers,
            foreign_share=options.foreign_share,
            charge_refused=options.charge_refused,
        ),
        retry_after=not options.no_retry_after,
        latency=options.latency,
        latency_sigma=options.latency_sigma,
        poison=options.poison,
        poison_named=options.poison_named,
        batch_seconds=options.batch_seconds,
        batch_window=options.batch_window,
        batch_queue_tokens=options.batch_queue_tokens,
        batch_error_rate=options.batch_error_rate,
    )
    server.run(OpenAiApi(chosen, switch), options.port)


def _add_quota_options(parser: argparse.ArgumentParser) -> None:
    quota = parser.add_argument_group("how the limits are counted and shown")
    quota.add_argument(
        "--bucket-seconds",
        type=float,
        default=MINUTE,
        help="seconds of a limit that may be used at once; OpenAI's bucket holds 60",
    )
    quota.add_argument(
        "--fill",
        choices=("smooth", "steps", "windows"),
        default="smooth",
        help="steps: once a second; windows: each second of the clock has its own limit as well",
    )
    quota.add_argument(
        "--headers",
        choices=tuple(HEADERS),
        default="true",
        help="x-ratelimit headers: partial shows the remaining amount alone, limit the limit "
        "alone, stale the amount of 5 seconds ago, low half of it, zero none, high twice the limit",
    )
    quota.add_argument(
        "--foreign-share",
        type=float,
        default=0.0,
        help="share of the limits, 0 to 1, that another client of the key takes",
    )
    quota.add_argument(
        "--charge-refused",
        action="store_true",
        help="refused requests count against the limits as well",
    )
