"""Checks that need only the settings: for ``doctor``, and before a start."""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ingest.adapters.storage.blob_store import folder_of
from ingest.domain import provider_specs
from ingest.domain.errors import ConfigurationError
from ingest.domain.job import Lane
from ingest.domain.pricing import CREDIT, batched
from ingest.settings import Settings
from ingest.settings.providers.choice import LOCAL
from ingest.settings.setting_faults import ensure_none
from ingest.wiring.local_embedders import missing_packages
from ingest.wiring.provider_batches import batchable_models
from ingest.wiring.providers import embedding_models, local_models, price_today, provider_of
from ingest.wiring.storage import blob_url


def ensure_startable(settings: Settings, *, listens: bool, lane: Lane | None = None) -> None:
    """Check that nothing in the settings prevents a start; start and contact nothing.

    Args:
        settings: The settings, whose types are checked already.
        listens: Whether the gateway will be started, which needs free ports.
        lane: Lane of a backfill; the batch lane has its own prices.

    Raises:
        WrongSettings: a setting is wrong; the message names all faults.
    """
    found = [*value_faults(settings, lane), *package_faults(settings), *folder_faults(settings)]
    if listens:
        found += port_faults(settings)
    ensure_none(found)


def value_faults(settings: Settings, lane: Lane | None = None) -> Iterator[str]:
    """Models, prices, addresses of blobs, and files of keys that cannot be used."""
    own = settings.model_copy(update={"next_model": None})
    other = settings.model_copy(update={"embedder": LOCAL})
    unknown = [*_refusal(embedding_models, own), *_refusal(embedding_models, other)]
    yield from unknown
    if not unknown:
        yield from _price_faults(settings, lane)
    if settings.parsing_provider is not None:
        yield from _refusal(price_today, settings, settings.parsing_provider, CREDIT)
    yield from _refusal(folder_of, blob_url(settings))
    for each in provider_specs.SPECS:
        variable = f"INGEST_{each.name.upper()}_API_KEY_FILE"
        yield from _unreadable(variable, settings.of(each).api_key_file)
    yield from _unreadable("INGEST_JWT_JWKS", settings.jwt_jwks)


def _price_faults(settings: Settings, lane: Lane | None) -> Iterator[str]:
    """Prices that are not known of models that are called."""
    in_batches = batchable_models(settings) if lane is Lane.BATCH else {}
    for label, model in embedding_models(settings).items():
        if (spec := provider_of(model)) is not None:
            yield from _refusal(price_today, settings, spec, model.name)
            if label in in_batches:
                yield from _refusal(price_today, settings, spec, batched(model.name))


def package_faults(settings: Settings) -> Iterator[str]:
    """Packages of local models that are not installed."""
    try:
        used = local_models(settings)
    except ConfigurationError:
        return  # an unknown model, which is a wrong value
    yield from filter(None, map(missing_packages, used))


def folder_faults(settings: Settings) -> Iterator[str]:
    """Find folders that cannot be created or written."""
    yield from _unwritable("INGEST_STATE_DIR", settings.state_dir)
    if settings.blob_url and settings.blob_url.startswith("file:///"):
        yield from _unwritable("INGEST_BLOB_URL", folder_of(settings.blob_url))


def port_faults(settings: Settings) -> Iterator[str]:
    """Find ports that are in use, and addresses that are not of this machine."""
    yield from _taken("INGEST_PORT", settings.host, settings.port)
    if settings.dashboard:
        yield from _taken("INGEST_DASHBOARD_PORT", "127.0.0.1", settings.dashboard_port)


def _refusal(check: Callable[..., object], *given: object) -> Iterator[str]:
    try:
        check(*given)
    except ConfigurationError as exc:
        yield exc.message


def _unreadable(variable: str, place: Path | str | None) -> Iterator[str]:
    if place is None or "://" in str(place):
        return
    try:
        with Path(place).open("rb") as file:
            file.read(1)
    except OSError as exc:
        yield (
            f"{variable} is {str(place)!r}; this file cannot be read ({exc.strerror}); "
            "correct the path or its rights"
        )


def _unwritable(variable: str, place: Path | None) -> Iterator[str]:
    """Check that a folder, or its nearest existing parent, can be written."""
    if place is None:
        return
    folder = place.absolute()
    existing = next(above for above in (folder, *folder.parents) if os.path.exists(above))
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as exc:
        where = "" if existing == folder else f": {str(existing)!r} is not a folder one may write"
        yield (
            f"{variable} is {str(place)!r}, which is not writable ({exc.strerror}){where}; "
            "name another folder, or make it writable"
        )


def _taken(variable: str, host: str, port: int) -> Iterator[str]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        # As servers do: else connections of the last run that still close would look like a server.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as exc:
            name = "INGEST_HOST" if isinstance(exc, socket.gaierror) else variable
            option = "--port or INGEST_PORT" if name == "INGEST_PORT" else name
            yield (
                f"{name}: port {port} on {host} cannot be used ({exc.strerror}); "
                f"choose another one: {option}"
            )
