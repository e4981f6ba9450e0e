"""Where files are kept."""

from pathlib import Path

from pydantic import BaseModel, Field


class StorageSettings(BaseModel):
    """The state folder, the blob storage, and the folders that nodes share."""

    state_dir: Path = Field(
        Path(".ingest"), description="Folder of the embedded system: database, blobs, logs, Ray."
    )
    blob_url: str | None = Field(
        None,
        description="URL of the blob storage, s3://bucket/prefix or file:///folder; empty: the "
        "state folder.",
    )
    blob_endpoint: str | None = Field(None, description="S3 endpoint of a store other than AWS.")
    shared_folders: str = Field(
        "",
        description="Folders that every node mounts at the same path, separated by ':'. A backfill "
        "registers their files without reading them.",
    )

    @property
    def shared_paths(self) -> tuple[Path, ...]:
        """The folders that every node mounts."""
        return tuple(Path(part) for part in self.shared_folders.split(":") if part)
