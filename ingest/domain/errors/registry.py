"""Every error by its code, listed by hand: what a process has imported must not change it."""

from collections.abc import Mapping
from types import MappingProxyType

from ingest.domain.errors import (
    backup,
    base,
    configuration,
    document_errors,
    jobs,
    providers,
    requests,
    transient,
)

ERRORS: tuple[type[base.IngestError], ...] = (
    base.IngestError,
    document_errors.DocumentRejected,
    document_errors.UnsupportedMediaType,
    document_errors.DocumentTooLarge,
    document_errors.TooManyPages,
    document_errors.TooManyTokens,
    document_errors.DocumentUnreadable,
    document_errors.DocumentEncrypted,
    document_errors.DocumentEmpty,
    document_errors.ParserLimitExceeded,
    document_errors.InvalidFilename,
    document_errors.ParseInvalid,
    document_errors.SourceGone,
    requests.RequestRejected,
    requests.Unauthenticated,
    requests.Forbidden,
    requests.NotFound,
    requests.Conflict,
    requests.DocumentExists,
    requests.DocumentDeleted,
    requests.InvalidRequest,
    requests.ManifestLineInvalid,
    requests.BodyTooLarge,
    requests.UploadTooSlow,
    transient.TransientError,
    transient.RateLimited,
    transient.TextsMissing,
    transient.ProviderUnavailable,
    transient.StoreUnavailable,
    transient.SourceUnavailable,
    transient.SourceChanged,
    transient.SpaceMoved,
    transient.LimitReached,
    transient.WorkerLost,
    transient.WaitExpired,
    transient.Unexpected,
    transient.MustWait,
    transient.ProviderPaused,
    transient.BudgetExhausted,
    transient.ParseUnderway,
    transient.PausedByOperator,
    providers.ProviderRefused,
    providers.InputRefused,
    providers.RequestTooLarge,
    providers.CredentialsRefused,
    providers.BillingRefused,
    providers.InvalidVector,
    providers.TextsFailed,
    jobs.LeaseLost,
    jobs.IllegalTransition,
    configuration.ConfigurationError,
    configuration.WrongSettings,
    configuration.FolderRefused,
    backup.BackupUnusable,
    backup.RestoreRefused,
)
"""A new error gets a line here; a test names the one that is left out."""
CODES: Mapping[str, type[base.IngestError]] = MappingProxyType(
    {error.code: error for error in ERRORS}
)
"""The class of each code. A test checks that no two classes share one."""


def of_code(code: str, message: str) -> base.IngestError:
    """The error of a stored code; Unexpected when newer or older code has written it."""
    return CODES.get(code, transient.Unexpected)(message)


def classes_below(name: str) -> tuple[type[base.IngestError], ...]:
    """The class with this name and all classes below it; none when no error has this name."""
    return tuple(
        error for error in ERRORS if any(ancestor.__name__ == name for ancestor in error.__mro__)
    )
