"""Why a backup is not taken, or not restored."""

from ingest.domain.errors.base import IngestError


class BackupUnusable(IngestError):
    """The folder holds no backup, a torn one, or one of a newer version."""

    code = "backup_unusable"


class RestoreRefused(IngestError):
    """The place that is restored to holds something that would be lost."""

    code = "restore_refused"
