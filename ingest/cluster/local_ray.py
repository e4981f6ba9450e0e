"""A Ray of our own on this machine, or a connection to one that runs."""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.adapters.storage import state_folder
from ingest.cluster import ray_access, ray_folder, ray_reports, shared_ray
from ingest.cluster.ray_folder import RayFolder
from ingest.cluster.shared_ray import SharedRay
from ingest.domain.errors import ProviderUnavailable
from ingest.settings import Settings
from ingest.settings.gateway import HttpProxy

NAMESPACE = "ingest"
_OBJECT_STORE_BYTES = 256 * 1024 * 1024
_CONNECT_SECONDS = 5.0
LOOPBACK = "127.0.0.1"
"""Where a Ray of our own listens."""


class LocalRay:
    """Ray as this process's child, reachable from this machine only, behind a token."""

    def __init__(
        self,
        settings: Settings,
        *,
        report: Callable[[str], None] = lambda line: None,
        joined: SharedRay | None = None,
    ) -> None:
        """Remember the settings.

        Args:
            settings: Where the cluster is, or the state folder for a Ray of our own.
            report: Gets a line when processes were left behind.
            joined: The Ray of a running system, instead of one of our own.
        """
        self._settings = settings
        self._joined = joined
        self._report = report
        self._folder: RayFolder | None = None
        self._began = False
        self._is_offered = False

    @property
    def is_connected(self) -> bool:
        """True while this process is connected to Ray."""
        if not self._began:
            return False
        import ray

        return bool(ray.is_initialized())

    def start(self) -> None:
        """Start Ray, or connect to the cluster that the settings name.

        What Ray's processes read from the environment must be there before. Processes of an
        earlier Ray in the state folder whose owner was killed are ended first.

        Raises:
            FolderRefused: the state folder holds files of others.
            ProviderUnavailable: it did not start, or nothing answers at the address.
            ConfigurationError: the cluster lets everybody in.
        """
        address = self._settings.ray_address
        if address is not None:
            _ensure_answer(address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0")
        # By Ray's default all workers have next to the least priority; only stages step back.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # A proxy is replaced after three checks that fail: three seconds, not half a minute.
        os.environ.setdefault("RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S", "1")
        if address is None:
            # Or Ray listens on the machine's address, which it puts in the place of loopback.
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        if self._settings.http_proxy is HttpProxy.HAPROXY:
            os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
        if self._joined is not None:
            _use_token(self._joined.token)
        elif address is None:
            state_folder.claim(self._settings.state_dir)
            self._folder = ray_folder.take(self._settings.state_dir, self._report)
            _make_token(self._folder)
        ray_reports.keep_in_logs()
        try:
            self._init(address)
        except Exception as exc:  # Ray raises bare ones, e.g. when a node starts too slowly
            where = "a local Ray" if address is None else f"Ray at {address} (INGEST_RAY_ADDRESS)"
            why = ray_reports.reason(exc)
            raise ProviderUnavailable(f"{where} did not start or answer: {why}") from exc
        if address is not None and self._joined is None:
            ray_access.ensure_closed(self._settings)

    def _init(self, address: str | None) -> None:
        import ray

        self._began = True
        with _signals_kept():
            if self._joined is not None:
                ray.init(
                    address=self._joined.address,
                    namespace=NAMESPACE,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _node_ip_address=LOOPBACK,
                )
                return
            if self._folder is None:
                ray.init(address=address, namespace=NAMESPACE, log_to_driver=False)
                return
            ray.init(
                address="local",
                namespace=NAMESPACE,
                num_cpus=max(4, os.cpu_count() or 1),
                include_dashboard=self._settings.dashboard,
                dashboard_port=self._settings.dashboard_port if self._settings.dashboard else None,
                object_store_memory=_OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level=logging.ERROR,
                _node_ip_address=LOOPBACK,
                _temp_dir=str(self._folder.make()),
            )

    def offer(self) -> None:
        """Let other commands on this machine join a Ray of our own."""
        if self._folder is not None:
            import ray

            address = ray.get_runtime_context().gcs_address
            shared_ray.offer(self._settings, address, self._folder.token)
            self._is_offered = True

    @property
    def logs(self) -> str | None:
        """Folder of the logs of this machine's Ray; None for a cluster, and while none runs."""
        import ray

        node = ray._private.worker._global_node
        return None if node is None or self._settings.ray_address else str(node.get_logs_dir_path())

    def stop(self) -> None:
        """Stop Ray, or leave the cluster; also when the start was interrupted."""
        if self._is_offered:
            shared_ray.withdraw(self._settings)
            self._is_offered = False
        if self._began:
            import ray

            ray.shutdown()
            self._began = False
        if self._folder is not None:
            self._folder.clear()  # a start that was interrupted is not known to Ray
            self._folder.release()
            self._folder = None


def _make_token(folder: RayFolder) -> None:
    folder.token.unlink(missing_ok=True)
    folder.token.touch(mode=0o600)
    folder.token.write_text(secrets.token_hex(32), encoding="ascii")
    _use_token(folder.token)


def _use_token(token: Path) -> None:
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep this process's own handler of SIGTERM while Ray starts.

    Ray's handler would kill Ray's processes while this one is still connected to them, and it is
    aborted then before it has stopped anything else. Ray has no option for it. It also replaces
    the handler below Python's by one that prints a stack.
    """
    from ray._private import utils

    theirs = utils.set_sigterm_handler
    utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        utils.set_sigterm_handler = theirs
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _ensure_answer(address: str) -> None:
    """Check that something listens; Ray itself would try for minutes, and print each try."""
    place = address.removeprefix("ray://")
    if ":" not in place:
        return  # a word for the cluster of this machine
    try:
        shared_ray.reach(place, _CONNECT_SECONDS)
    except (OSError, OverflowError) as exc:
        raise ProviderUnavailable(
            f"no Ray answers at {address} (INGEST_RAY_ADDRESS): {exc}"
        ) from exc
