"""Checks the components of ingest; each check uses the real component once."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import ingest
from ingest.adapters.postgres.admin import inspection, migrate, vector_spaces
from ingest.adapters.postgres.admin.inspection import DatabaseFacts
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.adapters.postgres.jobs.queue_measures import QueueMeasures
from ingest.adapters.postgres.pool import Database
from ingest.adapters.postgres.search.index_store import IndexStore
from ingest.adapters.postgres.search.serving_store import ServingStore
from ingest.adapters.storage import state_folder
from ingest.cli.checks.findings import Finding, broken, doubtful, fine
from ingest.cli.process import run_async
from ingest.cli.system import database_access
from ingest.cli.system.startup_summary import database_label
from ingest.cluster import ray_access, shared_ray
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.errors import ConfigurationError, StoreUnavailable
from ingest.domain.media_type import MediaType
from ingest.domain.provider import CallFailed, ProviderKey
from ingest.settings import Settings
from ingest.settings.providers.choice import Profile
from ingest.wiring.local_embedders import make_local_embedder
from ingest.wiring.parsing import make_local_parser, parser_label
from ingest.wiring.provider_services import PARSERS
from ingest.wiring.providers import (
    embedding_model,
    embedding_models,
    local_models,
    make_embedding_service,
    provider_keys,
)
from ingest.wiring.storage import blob_url, database_url, open_blobs, open_database

Answer = TypeVar("Answer")
_RAY_SERIES = "2.60."
_RAY_SECONDS = 60
"""Importing Ray takes seconds, and much longer from a cold disk."""
_REACH_SECONDS = 5.0
_MANY_VECTORS = 10_000
"""Above this number an exact search takes longer than a person likes to wait."""
_IMPORT_PACKAGES = (
    "import json, ingest, serve, ray; "
    "print(json.dumps([ray.__version__, ingest.__file__, serve.__file__]))"
)


def database(settings: Settings) -> Iterator[Finding]:
    """Check PostgreSQL, pgvector and the schema."""
    fresh = settings.database_url is None and not (settings.state_dir / "postgres").exists()
    label = database_label(settings)
    with (
        _folder_for(fresh) as folder,
        database_access.with_database(settings, folder=folder, leave=True) as reachable,
    ):
        try:
            facts = database_access.inspect(reachable)
        except (ConfigurationError, StoreUnavailable) as exc:
            yield broken("database", f"{label}: {exc.message}", "check INGEST_DATABASE_URL")
            return
        yield fine("database", f"{label}, version {facts.server_version}")
        if facts.pgvector is None:
            yield broken(
                "database",
                "the server has no pgvector",
                "install pgvector 0.8 or newer",
            )
        elif refused := run_async(inspection.pgvector_refusal(database_url(reachable))):
            yield broken(
                "database",
                f"pgvector {facts.pgvector} is not installed in this database: {refused}",
                "let a superuser run there once: CREATE EXTENSION vector",
            )
        else:
            yield fine("database", f"pgvector {facts.pgvector}")
        yield from _schema(settings, facts, fresh=fresh)
        if settings.takes_keys and facts.mismatch is None:
            yield from _keys(reachable)
        if facts.revision == migrate.head():
            yield from _stuck(reachable)
            yield from _spaces(reachable)


@contextmanager
def _folder_for(fresh: bool) -> Iterator[Path | None]:
    """A temporary folder for a test of the embedded server; doctor leaves no files behind."""
    if not fresh:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="ingest-doctor-") as folder:
        yield Path(folder)


def _schema(settings: Settings, facts: DatabaseFacts, *, fresh: bool) -> Iterator[Finding]:
    if facts.mismatch is None:
        yield fine("database", f"schema {facts.revision}")
    elif settings.database_url is None and facts.revision in (None, *migrate.revisions()):
        found = "not made yet" if fresh else f"at {facts.revision or 'none'}"
        yield fine("database", f"schema {found}; 'ingest up' brings it to {migrate.head()}")
    elif facts.mismatch.startswith(vector_spaces.MISSING):
        yield broken("database", facts.mismatch, "run 'ingest migrate'")
    elif facts.revision == migrate.head():
        yield broken("database", facts.mismatch, "GRANT it as the role that ran 'ingest migrate'")
    elif facts.revision in migrate.revisions() or facts.revision is None:
        yield broken("database", facts.mismatch, "run 'ingest migrate'")
    else:
        yield broken("database", facts.mismatch, "run the version of ingest that fits")


def _keys(settings: Settings) -> Iterator[Finding]:
    async def count(opened: Database) -> int:
        return sum(key.valid for key in await KeyStore(opened).list_all())

    valid = _ask_database(settings, count)
    if valid:
        yield fine("database", f"{valid} valid API keys")
    else:
        yield doubtful("database", "there is no valid API key", "run 'ingest keys create'")


def _stuck(settings: Settings) -> Iterator[Finding]:
    counts = _ask_database(
        settings, lambda opened: QueueMeasures(opened).stuck(after=settings.stuck_after)
    )
    found = ", ".join(f"{jobs} {kind}" for kind, jobs in counts.items() if jobs)
    if found:
        advice = "start the system if it is stopped; see 'stuck jobs' in docs/observe.md"
        yield doubtful("jobs", f"stuck: {found}", advice)
    else:
        yield fine("jobs", "none is stuck")


def _spaces(settings: Settings) -> Iterator[Finding]:
    """Check for large spaces without an index, and for spaces that the settings do not name."""

    async def read(opened: Database) -> tuple[list[str], set[str]]:
        indexes, bare = IndexStore(opened), []
        for space in await indexes.spaces():
            model = EmbeddingModel(space.embed_model, space.embed_version, space.dimension)
            most = _MANY_VECTORS + 1
            if not space.usable and await indexes.stored(model, most=most) == most:
                bare.append(model.label)
        return bare, await ServingStore(opened).labels()

    bare, serving = _ask_database(settings, read)
    for label in bare:
        missing = f"over {_MANY_VECTORS:,} vectors of {label} have no index, and are slow to search"
        advice = "run 'ingest index build'; a load that was killed leaves no index"
        yield doubtful("index", missing, advice)
    for label in sorted(serving - embedding_models(settings).keys()):
        advice = "name its model by INGEST_NEXT_MODEL, or move them: 'ingest model move'"
        yield doubtful("index", f"{label} serves tenants, and the settings do not name it", advice)


def _ask_database(settings: Settings, ask: Callable[[Database], Awaitable[Answer]]) -> Answer:
    async def open_and_ask() -> Answer:
        opened = open_database(settings)
        try:
            return await ask(opened)
        finally:
            await opened.close()

    return run_async(open_and_ask())


def blobs(settings: Settings) -> Iterator[Finding]:
    """Write, read and delete a blob."""
    url = blob_url(settings)
    is_ours = settings.blob_url is None
    if is_ours:
        state_folder.check(settings.state_dir)
    if is_ours and not (settings.state_dir / "blobs").exists():
        yield fine("blobs", f"{url}; not made yet")
        return

    async def try_out() -> None:
        store, key = open_blobs(settings), f"probe/{uuid4()}"
        await store.put(key, b"probe")
        try:
            if await store.get(key) != b"probe":
                raise StoreUnavailable("the blob storage returned other bytes than it was given")
        finally:
            await store.delete(key)

    try:
        run_async(try_out())
    except (ConfigurationError, StoreUnavailable) as exc:
        yield broken(
            "blobs", f"{url}: {exc.message}", "check INGEST_BLOB_URL, the endpoint and credentials"
        )
    else:
        yield fine("blobs", f"{url}, readable and writable")


def parser(settings: Settings) -> Iterator[Finding]:
    """Parse a line of text, and ask the provider with each key for what it knows, which is free."""

    async def parse() -> str:
        made = make_local_parser(settings)
        try:
            await made.parse(b"probe", filename="probe.txt", media_type=MediaType.TEXT)
            return made.label
        finally:
            await made.close()

    yield fine("parser", run_async(parse()))
    if (spec := settings.parsing_provider) is None:
        return
    keys = provider_keys(settings, spec).current()
    check = partial(PARSERS[spec.name].check, settings)
    yield from _try_keys("parser", parser_label(settings), keys, check)


def embedder(settings: Settings) -> Iterator[Finding]:
    """Embed a word with each local model; at a provider with each key, which costs one token."""
    for local in local_models(settings):
        try:
            run_async(make_local_embedder(settings, local).embed(["probe"]))
        except ConfigurationError as exc:
            problem, _, advice = exc.message.rpartition(": ")
            yield broken("embedder", problem, advice)
        else:
            yield fine("embedder", _label(local.model))
    if (spec := settings.embedding_provider) is None:
        return
    keys = provider_keys(settings, spec).current()
    label = _label(embedding_model(settings))
    yield from _try_keys("embedder", label, keys, partial(_probe, settings))


def _try_keys(
    subject: str,
    label: str,
    keys: Sequence[ProviderKey],
    probe: Callable[[ProviderKey], Coroutine[Any, Any, None]],
) -> Iterator[Finding]:
    if not keys:
        yield broken(subject, f"{label}: there is no key", "add a key to the key file")
    for key in keys:
        try:
            run_async(probe(key))
        except CallFailed as exc:
            wrong = f"key {key.fingerprint}: {exc.error.message}"
            yield broken(subject, wrong, "check the key, its region, and the plan's limits")
        else:
            yield fine(subject, f"{label}, key {key.fingerprint}")


async def _probe(settings: Settings, key: ProviderKey) -> None:
    service = make_embedding_service(settings, embedding_model(settings))
    try:
        await service.call(["probe"], key=key, call_id=uuid4())
    finally:
        await service.close()


def _label(model: EmbeddingModel) -> str:
    return f"{model.label}, {model.dimension} dimensions"


def ray(settings: Settings) -> Iterator[Finding]:
    """Import Ray and both packages in a new process, in the folder where Ray's workers start."""
    try:
        imported = subprocess.run(  # noqa: S603 the arguments are constants
            [sys.executable, "-c", _IMPORT_PACKAGES],
            capture_output=True,
            text=True,
            timeout=_RAY_SECONDS,
            check=True,
        )
        version, *files = json.loads(imported.stdout.splitlines()[-1])
    except subprocess.SubprocessError as exc:
        lines = str(getattr(exc, "stderr", "") or exc).strip().splitlines()
        yield broken("ray", f"cannot be imported: {lines[-1]}", "install the package again")
        return
    ours, gateway = (Path(file).resolve().parents[1] for file in files)
    if ours != gateway or ours != Path(ingest.__file__).resolve().parents[1]:
        yield broken(
            "ray",
            f"another package hides ours: {', '.join(files)}",
            "start ingest from another folder, or uninstall the other package",
        )
    where = settings.ray_address or "a local Ray of its own"
    if version.startswith(_RAY_SERIES):
        yield fine("ray", f"version {version}, {where}")
    else:
        yield doubtful("ray", f"version {version}", f"tested with {_RAY_SERIES}x only")
    if settings.ray_address is not None:
        yield from _ray_access(settings)


def _ray_access(settings: Settings) -> Iterator[Finding]:
    """Check that the cluster answers, and answers nobody without its token."""
    address = settings.ray_address or ""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or address.startswith("ray://"):
        return  # a word for the cluster of this machine, or a port that does not tell
    try:
        shared_ray.reach(address, _REACH_SECONDS)
    except OSError as exc:
        advice = "start the cluster, or correct INGEST_RAY_ADDRESS"
        yield broken("ray", f"nothing answers at {address}: {exc}", advice)
        return
    if ray_access.asks_for_token(address):
        yield fine("ray", f"{address} asks for a token")
        return
    problem = f"the cluster at {address} {ray_access.OPEN}"
    finding = broken if settings.profile is Profile.PRODUCTION else doubtful
    yield finding("ray", problem, ray_access.ADVICE)
