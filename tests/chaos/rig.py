"""The system under attack: its own PostgreSQL, two Ray nodes, both vendors, a small disk."""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import psutil

from benchmarks.ray_nodes import RayNodes, ray_access
from benchmarks.running_system import RunningSystem, free_port, running_system
from ingest.adapters.postgres.admin import migrate
from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.postgres.admin.key_store import KeyStore
from ingest.adapters.postgres.pool import Database
from tests.chaos.vendors import Vendors

TENANTS = 3
LEASE_SECONDS = 4
DISK_BYTES = 256 * 1024**2
SETTINGS: dict[str, object] = {
    "auth": "keys",
    "lease_seconds": LEASE_SECONDS,
    "rescue_interval_seconds": 1,
    "max_rescues": 1000,
    "max_attempts": 50,
    "claim_ahead_jobs": 64,
    "wave_jobs": 16,
    "embed_pool_min": 2,
    "embed_pool_max": 2,
    "embedder": "openai",
    "openai_api_keys": "sk-of-the-test",
    "openai_tokens_per_minute": 3_000_000,
    "openai_timeout_seconds": 10,
    "parser": "auto",
    "llamaparse_api_keys": "llx-of-the-test",
    "llamaparse_requests_per_minute": 1200,
    "llamaparse_timeout_seconds": 10,
    "llamaparse_poll_seconds": 2,
    "llamaparse_webhook_secret": "whsec-of-the-test",
}
"""Leases are short, so that they are lost often; nothing that was interrupted is ever given up."""


@dataclass(frozen=True, slots=True)
class Rig:
    """Everything that can be attacked."""

    system: RunningSystem
    nodes: RayNodes
    postgres: EmbeddedPostgres
    database_url: str
    vendors: Vendors
    disk: Path
    """What holds the blobs."""
    disk_is_small: bool
    """It is a file system of its own; without the right to mount one, a folder."""
    keys: dict[UUID, str]
    """API key by tenant."""

    @property
    def blobs(self) -> Path:
        """The folder of the blobs."""
        return self.disk / "blobs"

    def processes(self, name: str) -> list[psutil.Process]:
        """Living processes whose command line holds a name, in the order of their ids."""
        return self.nodes.processes(name)


@contextmanager
def running_rig(seed: int) -> Iterator[Rig]:
    """Start all of it, wait until documents can be ingested, and stop it in the end.

    Raises:
        RuntimeError: a part did not start or did not stop.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        # PostgreSQL runs as another user under root, who cannot enter the other folder.
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-pg-")))
        postgres = EmbeddedPostgres(data)
        stack.callback(postgres.stop)
        url = postgres.start()
        migrate.upgrade(url)
        disk, is_small = stack.enter_context(_small_disk(folder / "disk"))
        vendors = Vendors(seed=seed)
        stack.enter_context(vendors.running())
        port, state = free_port(), folder / "state"
        settings = {
            **SETTINGS,
            "state_dir": state,
            "port": port,
            "database_url": url,
            "blob_url": (disk / "blobs").as_uri(),
            "openai_base_url": f"{vendors.openai.url}/v1",
            "llamaparse_base_url": vendors.llamaparse.url,
            "llamaparse_webhook_url": f"http://127.0.0.1:{port}",
        }
        access = stack.enter_context(ray_access(folder / "ray-token"))
        environment = {f"INGEST_{name.upper()}": str(value) for name, value in settings.items()}
        nodes = RayNodes(folder / "ray", environment | access)
        stack.callback(nodes.stop)
        nodes.start()
        del settings["state_dir"], settings["port"]
        system = stack.enter_context(
            running_system(state, port=port, ray_address=nodes.address, **settings)
        )
        yield Rig(
            system=system,
            nodes=nodes,
            postgres=postgres,
            database_url=url,
            vendors=vendors,
            disk=disk,
            disk_is_small=is_small,
            keys=asyncio.run(_make_keys(url)),
        )


async def _make_keys(url: str) -> dict[UUID, str]:
    database = Database(url)
    try:
        keys = KeyStore(database)
        tenants = [uuid4() for _ in range(TENANTS)]
        return {tenant: (await keys.create(tenant, "chaos"))[1] for tenant in tenants}
    finally:
        await database.close()


@contextmanager
def _small_disk(place: Path) -> Iterator[tuple[Path, bool]]:
    """A file system that can be full, where this machine lets us have one."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(place)]
    try:
        mounted = not subprocess.run(mount, capture_output=True, check=False).returncode
    except OSError:
        mounted = False
    try:
        yield place, mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
