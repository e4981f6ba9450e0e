"""The periodic duties of a supervisor, and the runner that shares them out between all of them."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

from ingest.adapters.auth.provider_keys import Keys
from ingest.adapters.postgres.jobs.counter_store import CounterStore
from ingest.adapters.postgres.jobs.job_store import JobStore
from ingest.adapters.postgres.jobs.maintenance_store import LeasedDatabase, MaintenanceStore
from ingest.adapters.postgres.jobs.pause_store import PauseStore
from ingest.adapters.postgres.jobs.retention_store import RetentionStore
from ingest.adapters.postgres.jobs.worker_store import WorkerStore
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.providers.leased_stores import LeasedBatchStore, LeasedParseStore
from ingest.adapters.postgres.providers.ledger_store import LedgerStore
from ingest.adapters.postgres.search.recall_store import RecallStore
from ingest.adapters.postgres.search.term_store import TermStore
from ingest.app.maintenance import (
    add_terms,
    end_silent_workers,
    expire_reservations,
    fold_counters,
    measure_recall,
    measure_terms,
    poll_batches,
    poll_parses,
    prune,
    rescue,
    submit_batches,
    sweep_batches,
    upgrade_degraded,
    wake_provider,
    wake_waiting,
    warn_budgets,
)
from ingest.app.maintenance.duty import Duty
from ingest.app.maintenance.outages import Outages
from ingest.app.maintenance.runner import MaintenanceRunner
from ingest.domain.pause import calls_held_by
from ingest.domain.provider_specs import EmbedderSpec
from ingest.ports.providers import RateLimiter
from ingest.settings import Settings
from ingest.wiring import provider_batches
from ingest.wiring.parsing import make_parse_poller
from ingest.wiring.providers import provided, provider_keys
from ingest.wiring.storage import open_blobs


def make_runner(database: Database, *, holder: str) -> MaintenanceRunner:
    """Who does duties while no other process does; ``holder`` names this one to people."""
    return MaintenanceRunner(MaintenanceStore(database), holder=holder)


def queue_duties(
    settings: Settings,
    database: Database,
    rate_limiter: RateLimiter,
    *,
    cluster: str,
    own: Callable[[], UUID | None],
) -> list[Duty]:
    """What needs the database only.

    Args:
        settings: Rescues, providers, and how often.
        database: Where the leases are, too.
        rate_limiter: Knows which providers are away.
        cluster: Names those who share the rate limiter.
        own: The stream of this process, if there is one now.
    """
    leased = LeasedDatabase(database)
    jobs, pauses, ledger = JobStore(leased), PauseStore(leased), LedgerStore(leased)
    parts = provided(settings)
    outages = Outages(rate_limiter, parts)
    often = partial(min, settings.rescue_interval_seconds)

    async def calls_are_paused() -> bool:
        return bool(calls_held_by(view.pause for view in await pauses.list_all()))

    duties: list[Duty] = [
        rescue.Rescue(
            jobs, max_rescues=settings.max_rescues, interval=settings.rescue_interval_seconds
        ),
        wake_waiting.WakeWaiting(jobs, calls_are_paused, interval=often(wake_waiting.INTERVAL)),
        wake_provider.WakeProvider(
            jobs, outages, cluster=cluster, interval=often(wake_provider.INTERVAL)
        ),
        expire_reservations.ExpireReservations(
            ledger.expire, interval=often(expire_reservations.INTERVAL)
        ),
        fold_counters.FoldCounters(
            CounterStore(leased).fold, interval=often(fold_counters.INTERVAL)
        ),
        warn_budgets.WarnBudgets(ledger, interval=often(warn_budgets.INTERVAL)),
        measure_recall.MeasureRecall(RecallStore(leased, exact_ms=settings.exact_search_ms)),
        end_silent_workers.EndSilentWorkers(
            WorkerStore(leased),
            jobs,
            max_rescues=settings.max_rescues,
            own=own,
            interval=often(end_silent_workers.INTERVAL),
        ),
    ]
    terms = TermStore(leased)
    duties += [
        add_terms.AddTerms(terms),
        measure_terms.MeasureTerms(terms),
    ]
    if parts:
        every = often(upgrade_degraded.INTERVAL)
        duties.append(
            upgrade_degraded.UpgradeDegraded(jobs, outages, parts, cluster=cluster, interval=every)
        )
    return duties


def outside_duties(settings: Settings, database: Database, rate_limiter: RateLimiter) -> list[Duty]:
    """What needs the blob storage or a provider, too.

    Raises:
        ConfigurationError: the blob storage is away at this moment, or a setting is wrong.
    """
    leased = LeasedDatabase(database)
    blobs = open_blobs(settings)
    duties: list[Duty] = []
    if (parser := settings.parsing_provider) is not None:
        parses = make_parse_poller(settings, parser, LeasedParseStore(database, leased))
        keys = _fingerprints(provider_keys(settings, parser))
        duties.append(poll_parses.PollParses(parses.collect, keys=keys))
    if (batcher := provider_batches.batch_provider(settings)) is not None:
        duties += _batch_duties(settings, batcher, database, leased, rate_limiter)
    pruner = prune.Pruner(RetentionStore(leased), blobs, settings.retention)
    return [*duties, prune.Prune(pruner, MaintenanceStore(leased).prune)]


def _batch_duties(
    settings: Settings,
    spec: EmbedderSpec,
    database: Database,
    leased: LeasedDatabase,
    rate_limiter: RateLimiter,
) -> list[Duty]:
    batches = LeasedBatchStore(database, leased)
    keys = _fingerprints(provider_keys(settings, spec))
    submitter = provider_batches.make_batch_submitter(settings, database, rate_limiter, batches)
    poller = provider_batches.make_batch_poller(settings, batches)
    return [
        submit_batches.SubmitBatches(submitter.submit, keys=keys),
        poll_batches.PollBatches(poller.collect, keys=keys),
        sweep_batches.SweepBatches(poller.sweep),
    ]


def _fingerprints(keys: Keys) -> tuple[str, ...]:
    return tuple(sorted(key.fingerprint for key in keys.current()))
