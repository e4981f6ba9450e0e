"""A Ray of our own on this machine, or a connection to one that runs."""

import logging
import os
import secrets
import shutil
import socket
import tempfile
from pathlib import Path

from ingest.cluster import ray_reports
from ingest.domain.errors import ProviderUnavailable
from ingest.settings import HttpProxy, Settings

NAMESPACE = "ingest"
_OBJECT_STORE_BYTES = 256 * 1024 * 1024
_CONNECT_SECONDS = 5.0
_LONGEST_FOLDER = 40
"""Characters; the paths of Ray's sockets below it must stay under the system's 107."""


class LocalRay:
    """Ray as this process's child, reachable from this machine only, behind a token."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder: Path | None = None

    def start(self) -> None:
        """Start Ray, or connect to the cluster that the settings name.

        What Ray's processes read from the environment must be there before.

        Raises:
            ProviderUnavailable: it did not start, or nothing answers at the address.
        """
        if self._settings.ray_address is not None:
            _ensure_answer(self._settings.ray_address)
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_DATA_METADATA_PREFETCH_ON_THREAD", "0")
        # By Ray's default all workers have next to the least priority; only stages step back.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # A proxy is replaced after three checks that fail: three seconds, not half a minute.
        os.environ.setdefault("RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S", "1")
        if self._settings.http_proxy is HttpProxy.HAPROXY:
            os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
        address = self._settings.ray_address
        if address is None:
            self._make_token()
        ray_reports.keep_in_logs()
        try:
            self._init(address)
        except (RuntimeError, ValueError, OSError) as exc:
            where = "a local Ray" if address is None else f"Ray at {address} (INGEST_RAY_ADDRESS)"
            why = ray_reports.reason(exc)
            raise ProviderUnavailable(f"{where} did not start or answer: {why}") from exc

    def _init(self, address: str | None) -> None:
        import ray

        if address is not None:
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
            _node_ip_address="127.0.0.1",
            _temp_dir=str(self._make_folder()),
        )

    @property
    def logs(self) -> str | None:
        """Folder of the logs of this machine's Ray; None for a cluster, and while none runs."""
        import ray

        node = ray._private.worker._global_node
        return None if node is None or self._settings.ray_address else str(node.get_logs_dir_path())

    def stop(self) -> None:
        """Stop Ray, or leave the cluster."""
        import ray

        ray.shutdown()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _make_folder(self) -> Path:
        folder = Path(self._settings.state_dir, "ray").resolve()
        if len(str(folder)) > _LONGEST_FOLDER:
            self._folder = Path(tempfile.mkdtemp(prefix="ingest-ray-"))
            return self._folder
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _make_token(self) -> None:
        token = Path(self._settings.state_dir, "ray-token").resolve()
        token.parent.mkdir(parents=True, exist_ok=True)
        token.unlink(missing_ok=True)
        token.touch(mode=0o600)
        token.write_text(secrets.token_hex(32), encoding="ascii")
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)


def _ensure_answer(address: str) -> None:
    """Check that something listens; Ray itself would try for minutes, and print each try."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        return  # a word for the cluster of this machine
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as exc:
        raise ProviderUnavailable(
            f"no Ray answers at {address} (INGEST_RAY_ADDRESS): {exc}"
        ) from exc
