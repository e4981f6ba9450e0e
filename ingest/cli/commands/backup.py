"""``ingest backup`` and ``ingest restore``."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.cli.exit_codes import ExitCode
from ingest.cli.options import JsonOption
from ingest.cli.process import run_async

if TYPE_CHECKING:
    from ingest.app.backup.backup import BackupSummary
    from ingest.app.backup.restore import Restored
    from ingest.settings import Settings

FolderArgument = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Folder of the backup; a folder holds one backup.")
]


def backup(folder: FolderArgument, as_json: JsonOption = False) -> None:
    """Save the database and the files it refers to; the system may run meanwhile.

    A second backup into the same folder copies only new files, and replaces the earlier backup
    when it is complete. A backup holds no settings and no provider keys. A folder that holds
    anything but a backup is refused.
    """
    from ingest import settings
    from ingest.cli.output import emit_json, say, size
    from ingest.cli.system import database_access

    loaded = settings.load()
    _check_place(loaded, folder)
    database_access.claim_blob_folder(loaded)
    began = time.monotonic()
    with database_access.with_database(loaded) as reachable:
        database_access.ensure_schema(reachable)
        taken = run_async(_take(reachable, folder))
    seconds, manifest = time.monotonic() - began, taken.manifest
    if as_json:
        emit_json(
            {
                "taken_at": manifest.taken_at,
                "schema": manifest.revision,
                "counts": manifest.counts,
                "blobs": len(manifest.blobs),
                "copied": taken.copied,
                "copied_bytes": taken.copied_bytes,
                "missing": manifest.missing,
                "seconds": round(seconds, 3),
            }
        )
    else:
        typer.echo(
            f"{manifest.counts['documents']} documents as of {manifest.taken_at} are in "
            f"{str(folder)!r}: {len(manifest.blobs)} files, {taken.copied} of them new "
            f"({size(taken.copied_bytes)}), in {seconds:.1f} seconds"
        )
    if manifest.missing:
        say(f"the blob storage has lost {len(manifest.missing)} files, {manifest.missing[0]!r} …")
        raise typer.Exit(ExitCode.FAILED)


def restore(
    folder: FolderArgument,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Confirm that the present contents of the database may be deleted."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore the database and its files from a backup.

    The system must be stopped. Everything is checked before the database is touched. Start it
    with 'ingest up' afterwards; for a database of your own, run 'ingest migrate' first.
    """
    from ingest import settings
    from ingest.cli.output import emit_json
    from ingest.cli.system import database_access, foreground

    loaded = settings.load()
    foreground.ensure_nothing_runs(loaded)
    database_access.claim_blob_folder(loaded)
    began = time.monotonic()
    with database_access.with_database(loaded) as reachable:
        database_access.inspect(reachable)  # raises with the reason why it cannot be reached
        restored = run_async(_restore(reachable, folder, replace=replace))
    seconds, manifest = time.monotonic() - began, restored.manifest
    if as_json:
        emit_json(
            {
                "taken_at": manifest.taken_at,
                "schema": manifest.revision,
                "counts": manifest.counts,
                "blobs": len(manifest.blobs),
                "requeued": restored.requeued,
                "seconds": round(seconds, 3),
            }
        )
        return
    typer.echo(
        f"restored {manifest.counts['documents']} documents and {len(manifest.blobs)} files as of "
        f"{manifest.taken_at} in {seconds:.1f} seconds; {restored.requeued} jobs that were under "
        "way are queued again"
    )


def _check_place(settings: "Settings", folder: Path) -> None:
    """Check that a backup may be put there, before anything is started."""
    from ingest.adapters.sources import local_path
    from ingest.adapters.storage.backup_folder import LocalBackupFolder
    from ingest.domain.errors import FolderRefused
    from ingest.wiring.storage import blob_url

    blobs, chosen = blob_url(settings), folder.resolve()
    saved = {"state folder": Path(settings.state_dir)}
    if blobs.startswith("file:"):
        saved["folder of the blobs"] = local_path(blobs)
    for what, place in saved.items():
        place = place.resolve()
        if chosen.is_relative_to(place) or place.is_relative_to(chosen):
            raise FolderRefused(
                f"the backup's folder {str(chosen)!r} and the {what} {str(place)!r} must lie "
                "apart, neither in the other: name another folder"
            )
    LocalBackupFolder(folder).check()


async def _take(settings: "Settings", folder: Path) -> "BackupSummary":
    import ingest
    from ingest.adapters.postgres.backup.dump import PostgresDump
    from ingest.adapters.storage.backup_folder import LocalBackupFolder
    from ingest.app.backup.backup import take
    from ingest.wiring.storage import open_blobs, open_database

    database = open_database(settings)
    try:
        archive, place = PostgresDump(database), LocalBackupFolder(folder)
        return await take(archive, open_blobs(settings), place, version=ingest.__version__)
    finally:
        await database.close()


async def _restore(settings: "Settings", folder: Path, *, replace: bool) -> "Restored":
    from ingest.adapters.postgres.admin import migrate
    from ingest.adapters.postgres.backup.dump import PostgresDump
    from ingest.adapters.storage.backup_folder import LocalBackupFolder
    from ingest.app.backup.restore import restore
    from ingest.wiring.storage import open_blobs, open_database

    database = open_database(settings)
    try:
        return await restore(
            PostgresDump(database),
            open_blobs(settings),
            LocalBackupFolder(folder),
            revisions=migrate.revisions(),
            replace=replace,
        )
    finally:
        await database.close()
