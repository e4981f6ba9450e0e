"""``python -m ingest.sim llamaparse``."""

import argparse

from ingest.sim import faults, server
from ingest.sim.llamaparse.api import LlamaParseApi
from ingest.sim.llamaparse.parse_service import Service, ServiceOptions
from ingest.sim.llamaparse.webhook_sender import Habits


def run(argv: list[str]) -> None:
    """Serve until a signal stops the process."""
    parser = argparse.ArgumentParser("python -m ingest.sim llamaparse", description=__doc__)
    faults.add_options(parser, kinds=faults.COMMON)
    add = parser.add_argument
    add("--key", action="append", default=[], help="accepted key; default: any")
    add("--base-seconds", type=float, default=0.5, help="seconds of every parse")
    add("--seconds-per-page", type=float, default=0.02)
    add("--sigma", type=float, default=0.5, help="of the log-normal distribution of parse times")
    add("--stuck-rate", type=float, default=0.0, help="share of parses that never begin")
    add("--fail-rate", type=float, default=0.0, help="share of parses that fail")
    add("--page-fail-rate", type=float, default=0.0, help="share of pages that fail")
    add("--expire-seconds", type=float, default=48 * 3600.0, help="life of a result")
    add("--credits", type=int, default=1_000_000, help="credits of the plan")
    add("--uploads-per-10s", type=int, default=500)
    add("--per-minute", type=int, default=100_000)
    add("--allow-loopback", action="store_true", help="deliver webhooks to this machine, too")
    add("--webhook-drop", type=float, default=0.0, help="share of events that are not delivered")
    add("--webhook-duplicate", type=int, default=0, help="further deliveries of each event")
    add("--webhook-delay", type=float, default=0.0, help="most seconds before a delivery")
    add(
        "--webhook-early",
        action="store_true",
        help="deliver success before the creation is answered",
    )
    add("--webhook-forge", action="store_true", help="deliver forged events, too")
    add("--webhook-scale", type=float, default=1.0, help="factor on the pauses between attempts")
    given = parser.parse_args(argv)
    options = ServiceOptions(
        keys=frozenset(given.key),
        base_seconds=given.base_seconds,
        seconds_per_page=given.seconds_per_page,
        sigma=given.sigma,
        stuck_rate=given.stuck_rate,
        fail_rate=given.fail_rate,
        page_fail_rate=given.page_fail_rate,
        expire_seconds=given.expire_seconds,
        credits=given.credits,
        uploads_per_10s=given.uploads_per_10s,
        per_minute=given.per_minute,
        allow_loopback=given.allow_loopback,
        seed=given.seed,
    )
    habits = Habits(
        drop=given.webhook_drop,
        duplicate=given.webhook_duplicate,
        delay=given.webhook_delay,
        early=given.webhook_early,
        forge=given.webhook_forge,
        scale=given.webhook_scale,
    )
    switch = faults.FaultSwitch(faults.from_options(given))
    server.run(LlamaParseApi(Service(options), switch, habits), given.port)
