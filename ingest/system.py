"""The whole system in one place: database, Ray, gateway and stream, started and stopped."""

import asyncio
import contextlib
import io
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ingest.adapters.postgres.admin import inspection, migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.cluster.local_ray import LocalRay
from ingest.domain.errors import ProviderUnavailable
from ingest.domain.job import Lane
from ingest.settings import Settings
from ingest.wiring.storage import blob_url, open_database

_START_SECONDS = 90.0


class System:
    """Everything ``ingest up`` runs; one a process."""

    def __init__(self, settings: Settings, *, report: Callable[[str], None]) -> None:
        """Remember the settings; ``report`` gets a line for each step."""
        self._settings = settings
        self._report = report
        self._stop = threading.Event()
        self._postgres: EmbeddedPostgres | None = None
        self._ray: LocalRay | None = None
        self._supervisor: Any = None
        self._is_ready = False

    @property
    def url(self) -> str:
        """Where the HTTP API is."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"http://{host}:{self._settings.port}"

    def start(self) -> None:
        """Start everything and wait until documents can be ingested; after it, always ``stop``.

        Raises:
            KeyboardInterrupt: it was asked to stop meanwhile.
            ConfigurationError: a setting or the database's schema does not allow it.
            StoreUnavailable: the database does not answer.
            ProviderUnavailable: Ray, the gateway or the stream did not come up.
        """
        self._start_database()
        self._step("starting Ray")
        self._ray = LocalRay(self._settings, report=self._report)
        self._ray.start()
        self._supervisor = self._start_supervisor()  # loads while the gateway starts
        self._step("starting the gateway")
        self._start_gateway()
        self._step("starting the stream")
        self._wait_for_stream()
        self._ray.offer()
        self._is_ready = True

    def _step(self, line: str) -> None:
        """Report the next step, unless there shall be none.

        What a signal handler raises is lost when it happens to run in a callback of Ray's.
        """
        if self._stop.is_set():
            raise KeyboardInterrupt
        self._report(line)

    def wait(self) -> None:
        """Block until ``request_stop``; starts an embedded database again that died.

        Raises:
            ProviderUnavailable: Ray died.
        """
        while not self._stop.wait(1.0):
            if self._postgres is not None and not self._postgres.is_running():
                self._report("PostgreSQL died; starting it again")
                self._postgres.start()
            if self._ray is None or not self._ray.is_connected:
                raise ProviderUnavailable("Ray is not running any more")

    def request_stop(self) -> None:
        """End a start, and make ``wait`` return; may be called by a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """Finish what is under way, as long as the settings allow, and stop everything."""
        try:
            if self._ray is not None:
                self._drain()
                # Serve's controller ends itself; Ray prints that as a failure to standard output.
                with contextlib.redirect_stdout(io.StringIO()):
                    if self._ray.is_connected:  # else Serve would start a Ray
                        self._stop_gateway()
                    self._ray.stop()
                self._ray = None
        finally:
            if self._postgres is not None:
                self._postgres.stop()
                self._postgres = None

    def _start_database(self) -> None:
        """After this, the environment holds the settings for every process that is started."""
        known: dict[str, Any] = {
            "state_dir": Path(self._settings.state_dir).resolve(),
            "blob_url": blob_url(self._settings),
        }
        if self._settings.database_url is None:
            self._step("starting PostgreSQL")
            self._postgres = EmbeddedPostgres(known["state_dir"], report=self._report)
            url = self._postgres.start()
            found = asyncio.run(inspection.inspect(url))
            if found.mismatch or found.revision == migrate.head():  # its functions may be older
                migrate.upgrade(url)
            known["database_url"] = SecretStr(url)
        self._settings = self._settings.model_copy(update=known)
        if self._postgres is None:
            asyncio.run(_check_schema(self._settings))
        os.environ.update(self._settings.environment())

    def _start_gateway(self) -> None:
        from serve import ray_app

        try:
            ray_app.start(self._settings, report=self._report)
        except ProviderUnavailable as exc:
            raise ProviderUnavailable(f"{exc.message}{self._where_logs_are()}") from exc

    def _stop_gateway(self) -> None:
        from serve import ray_app

        ray_app.stop()

    def _start_supervisor(self) -> Any:
        from ingest.cluster import supervisor_actor

        return supervisor_actor.start(Lane.INTERACTIVE)

    def _wait_for_stream(self) -> None:
        from ingest.cluster import supervisor_actor

        if not supervisor_actor.wait_until_it_flows(self._supervisor, longest=_START_SECONDS):
            raise ProviderUnavailable(
                f"nothing went through the stream in {_START_SECONDS:g} seconds"
                f"{self._where_logs_are()}"
            )

    def _where_logs_are(self) -> str:
        logs = self._ray.logs if self._ray is not None else None
        return f"; Ray's logs: {logs}" if logs else ""

    def _drain(self) -> None:
        if self._supervisor is None:
            return
        from ingest.cluster import supervisor_actor

        self._report("finishing what is under way")
        # Before it was ready, it is about jobs of an earlier time at most.
        longest = self._settings.drain_timeout_seconds + 5 if self._is_ready else 0
        supervisor_actor.drain(self._supervisor, longest=longest)
        self._supervisor = None


async def _check_schema(settings: Settings) -> None:
    database = open_database(settings)
    try:
        async with database.connection() as connection:
            await migrate.ensure_compatible(connection)
    finally:
        await database.close()
