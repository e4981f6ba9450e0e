"""``python -m ingest.sim openai``."""

import argparse

from ingest.sim import faults, server
from ingest.sim.openai.api import KINDS, Api, Options


def run(argv: list[str]) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser("python -m ingest.sim openai", description=__doc__)
    faults.add_options(parser, kinds=KINDS)
    parser.add_argument("--key", action="append", default=[], help="accepted key; default: sk-…")
    parser.add_argument("--rpm", type=float, default=3000, help="requests a minute for each key")
    parser.add_argument("--tpm", type=float, default=1_000_000, help="tokens a minute for each key")
    parser.add_argument(
        "--charge-refused", action="store_true", help="refused requests use up the limits, too"
    )
    parser.add_argument("--no-retry-after", action="store_true", help="leave the header out")
    parser.add_argument("--latency", type=float, default=0.0, help="mean seconds of an answer")
    parser.add_argument("--latency-sigma", type=float, default=0.0, help="of the log-normal")
    parser.add_argument("--poison", help="texts that hold this are refused, without saying which")
    parser.add_argument("--poison-named", help="texts that hold this are refused by their index")
    options = parser.parse_args(argv)
    switch = faults.FaultSwitch(faults.from_options(options))
    chosen = Options(
        keys=frozenset(options.key),
        rpm=options.rpm,
        tpm=options.tpm,
        charge_refused=options.charge_refused,
        retry_after=not options.no_retry_after,
        latency=options.latency,
        latency_sigma=options.latency_sigma,
        poison=options.poison,
        poison_named=options.poison_named,
    )
    server.run(Api(chosen, switch), options.port)
