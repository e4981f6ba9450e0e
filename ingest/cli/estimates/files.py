"""Estimates the cost of files: parses and chunks them on this machine, and pays nothing."""

import asyncio
from typing import TYPE_CHECKING

from ingest.cli.exit_codes import WrongUsage

if TYPE_CHECKING:
    from ingest.app.providers.cost_estimate import Estimate
    from ingest.cli.uploads.select_files import Selection
    from ingest.settings import Settings

_EVERY_SECONDS = 10.0


def changed_settings(changes: dict[str, str | None]) -> "Settings":
    """Read the settings with some values replaced.

    Raises:
        WrongUsage: a setting cannot have this value.
    """
    from ingest import settings
    from ingest.settings.providers.choice import embedder_names, parser_names
    from ingest.settings.providers.llamaparse import Tier

    tiers = {tier.value: tier for tier in Tier}
    names = {
        "parser": parser_names(),
        "embedder": embedder_names(),
        "llamaparse_tier": tuple(tiers),
    }
    wanted: dict[str, str] = {}
    for name, value in changes.items():
        if value is None:
            continue
        known = names[name]
        if value not in known:
            option = name.removeprefix("llamaparse_")
            raise WrongUsage(f"--{option} must be {' or '.join(known)}, not {value!r}")
        wanted[name] = Tier(value) if name == "llamaparse_tier" else value
    return settings.load().model_copy(update=wanted)


async def estimate_files(selection: "Selection", settings: "Settings") -> "Estimate":
    """Parse and chunk files on this machine, and add up their cost."""
    import time

    from ingest.cli.output import say
    from ingest.domain.errors import DocumentRejected
    from ingest.domain.media_type import detect
    from ingest.wiring.estimates import make_estimator

    estimator, parser = make_estimator(settings)
    spoke = time.monotonic()
    try:
        for number, file in enumerate(selection.files, start=1):
            data = await asyncio.to_thread(file.path.read_bytes)
            try:
                media_type = detect(data, filename=file.path.name)
            except DocumentRejected as exc:
                estimator.estimate.rejected[exc.code] += 1
                continue
            await estimator.add(data, file.path.name, media_type)
            if time.monotonic() - spoke > _EVERY_SECONDS:
                spoke = time.monotonic()
                say(f"{number:,} of {len(selection.files):,} files read")
    finally:
        await parser.close()
    return estimator.estimate
