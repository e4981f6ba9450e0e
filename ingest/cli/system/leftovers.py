"""Finds and ends processes that a killed system left behind on its state folder."""

from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from ingest.adapters.postgres.admin.embedded import EmbeddedPostgres
from ingest.adapters.storage import state_folder
from ingest.cli.exit_codes import CommandFailed
from ingest.cluster import ray_folder
from ingest.settings import Settings

REMEDY = "'ingest down' ends it, and so does the next 'ingest up'"


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Processes of a system that was killed."""

    postgres: int | None
    """Pid of the embedded PostgreSQL server; None when none was left."""
    ray: Sequence[int]

    @property
    def pids(self) -> list[int]:
        """The pids of the server and of Ray's processes."""
        return [*([] if self.postgres is None else [self.postgres]), *self.ray]

    def __str__(self) -> str:
        """Describe the processes for a person."""
        parts = [] if self.postgres is None else [f"PostgreSQL (pid {self.postgres})"]
        if self.ray:
            parts.append(f"processes of Ray ({len(self.ray)})")
        return " and ".join(parts)


def find(settings: Settings) -> Leftovers | None:
    """Find the processes that were left behind; None when there are none."""
    if not state_folder.is_ours(settings.state_dir):
        return None  # reading would create lock files in a folder that is not ours
    server = EmbeddedPostgres(settings.state_dir)
    found = Leftovers(server.leftover(), ray_folder.leftovers(settings.state_dir))
    return found if found.pids else None


def end(settings: Settings) -> Leftovers | None:
    """End the processes that were left behind, and wait for their end; None when there are none.

    Raises:
        CommandFailed: a process does not end, or belongs to another user.
    """
    if not state_folder.is_ours(settings.state_dir):
        return None
    server = EmbeddedPostgres(settings.state_dir)
    try:
        # Ray first: its workers use the database.
        ray = ray_folder.end_leftovers(settings.state_dir)
        found = Leftovers(server.end_leftover(), ray)
    except psutil.AccessDenied as exc:
        raise CommandFailed(f"pid {exc.pid} was left behind and belongs to another user") from exc
    except RuntimeError as exc:
        raise CommandFailed(str(exc)) from exc
    return found if found.pids else None
