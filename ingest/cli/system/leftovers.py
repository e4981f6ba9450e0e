"""What a system that was killed left running on its state folder."""

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
    """Processes that nobody uses any more."""

    postgres: int | None
    """The server's pid."""
    ray: Sequence[int]

    @property
    def pids(self) -> list[int]:
        """The server's, and those of Ray."""
        return [*([] if self.postgres is None else [self.postgres]), *self.ray]

    def __str__(self) -> str:
        """What they are, in words."""
        parts = [] if self.postgres is None else [f"PostgreSQL (pid {self.postgres})"]
        if self.ray:
            parts.append(f"processes of Ray ({len(self.ray)})")
        return " and ".join(parts)


def find(settings: Settings) -> Leftovers | None:
    """What was left behind; None when nothing was."""
    if not state_folder.is_ours(settings.state_dir):
        return None  # and a look would leave locks in somebody else's folder
    server = EmbeddedPostgres(settings.state_dir)
    found = Leftovers(server.leftover(), ray_folder.leftovers(settings.state_dir))
    return found if found.pids else None


def end(settings: Settings) -> Leftovers | None:
    """End what was left behind, and wait until it is gone; None when nothing was.

    Raises:
        CommandFailed: it does not end, or belongs to another user.
    """
    if not state_folder.is_ours(settings.state_dir):
        return None
    server = EmbeddedPostgres(settings.state_dir)
    try:
        ray = ray_folder.end_leftovers(settings.state_dir)  # before the database it works on
        found = Leftovers(server.end_leftover(), ray)
    except psutil.AccessDenied as exc:
        raise CommandFailed(f"pid {exc.pid} was left behind and belongs to another user") from exc
    except RuntimeError as exc:
        raise CommandFailed(str(exc)) from exc
    return found if found.pids else None
