"""All errors of the product; the class of an error decides whether its job is tried again.

    IngestError                     base.py
    ├─ DocumentRejected             documents.py: the document's fault, never retried
    │  ├─ UnsupportedMediaType  ├─ DocumentTooLarge  ├─ TooManyPages  ├─ DocumentUnreadable
    │  ├─ DocumentEncrypted  ├─ DocumentEmpty  ├─ ParserLimitExceeded  ├─ InvalidFilename
    │  └─ TooManyTokens  └─ ParseInvalid  └─ SourceGone
    ├─ RequestRejected              requests.py: the caller's fault, answered at once
    │  ├─ Unauthenticated  ├─ Forbidden  ├─ NotFound  ├─ DocumentDeleted
    │  ├─ Conflict
    │  │  └─ DocumentExists
    │  └─ InvalidRequest
    │     └─ ManifestLineInvalid  └─ BodyTooLarge  └─ UploadTooSlow
    ├─ TransientError               transient.py: nobody's fault, retried
    │  ├─ ProviderUnavailable  ├─ StoreUnavailable  ├─ SourceUnavailable  ├─ SourceChanged
    │  ├─ SpaceMoved  ├─ LimitReached  ├─ WorkerLost  ├─ WaitExpired  ├─ Unexpected
    │  ├─ RateLimited
    │  │  └─ TextsMissing
    │  └─ MustWait                  the job waits for a named thing, and goes on by itself
    │     └─ ProviderPaused  └─ BudgetExhausted  └─ ParseUnderway  └─ PausedByOperator
    ├─ ProviderRefused              providers.py: never repeated as it was
    │  ├─ InputRefused              the content: a batch is split until the culprit is alone
    │  │  └─ RequestTooLarge
    │  ├─ CredentialsRefused        that key is stopped, a person must look
    │  └─ BillingRefused            the same
    ├─ InvalidVector                providers.py: an embedder returned something else
    ├─ TextsFailed                  providers.py: provider batches gave no result, too often
    ├─ LeaseLost                    jobs.py: someone else owns the job; stop, write nothing
    ├─ IllegalTransition            jobs.py: our bug
    ├─ ConfigurationError           configuration.py: the process must not start
    │  └─ WrongSettings  └─ FolderRefused
    └─ BackupUnusable  └─ RestoreRefused    backup.py

An error that is not here does not exist: a stored code is found by ``of_code`` and a class by
``classes_below`` in what ``registry.py`` lists, whatever modules a process has imported.

Constructors take one positional message and only optional extras, because an exception with a
required extra argument does not survive pickling, and so not a trip through Ray.
Messages name the thing and the limit it broke; they never hold document text, keys or secrets.
"""

from ingest.domain.errors.backup import BackupUnusable, RestoreRefused
from ingest.domain.errors.base import IngestError
from ingest.domain.errors.configuration import ConfigurationError, FolderRefused, WrongSettings
from ingest.domain.errors.document_errors import (
    DocumentEmpty,
    DocumentEncrypted,
    DocumentRejected,
    DocumentTooLarge,
    DocumentUnreadable,
    InvalidFilename,
    ParseInvalid,
    ParserLimitExceeded,
    SourceGone,
    TooManyPages,
    TooManyTokens,
    UnsupportedMediaType,
)
from ingest.domain.errors.jobs import IllegalTransition, LeaseLost
from ingest.domain.errors.providers import (
    BillingRefused,
    CredentialsRefused,
    InputRefused,
    InvalidVector,
    ProviderRefused,
    RequestTooLarge,
    TextsFailed,
)
from ingest.domain.errors.registry import CODES, classes_below, of_code
from ingest.domain.errors.requests import (
    BodyTooLarge,
    Conflict,
    DocumentDeleted,
    DocumentExists,
    Forbidden,
    InvalidRequest,
    ManifestLineInvalid,
    NotFound,
    RequestRejected,
    Unauthenticated,
    UploadTooSlow,
)
from ingest.domain.errors.transient import (
    BudgetExhausted,
    LimitReached,
    MustWait,
    ParseUnderway,
    PausedByOperator,
    ProviderPaused,
    ProviderUnavailable,
    RateLimited,
    SourceChanged,
    SourceUnavailable,
    SpaceMoved,
    StoreUnavailable,
    TextsMissing,
    TransientError,
    Unexpected,
    WaitExpired,
    WorkerLost,
)

__all__ = [
    "CODES",
    "BackupUnusable",
    "BillingRefused",
    "BodyTooLarge",
    "BudgetExhausted",
    "ConfigurationError",
    "Conflict",
    "CredentialsRefused",
    "DocumentDeleted",
    "DocumentEmpty",
    "DocumentEncrypted",
    "DocumentExists",
    "DocumentRejected",
    "DocumentTooLarge",
    "DocumentUnreadable",
    "FolderRefused",
    "Forbidden",
    "IllegalTransition",
    "IngestError",
    "InputRefused",
    "InvalidFilename",
    "InvalidRequest",
    "InvalidVector",
    "LeaseLost",
    "LimitReached",
    "ManifestLineInvalid",
    "MustWait",
    "NotFound",
    "ParseInvalid",
    "ParseUnderway",
    "ParserLimitExceeded",
    "PausedByOperator",
    "ProviderPaused",
    "ProviderRefused",
    "ProviderUnavailable",
    "RateLimited",
    "RequestRejected",
    "RequestTooLarge",
    "RestoreRefused",
    "SourceChanged",
    "SourceGone",
    "SourceUnavailable",
    "SpaceMoved",
    "StoreUnavailable",
    "TextsFailed",
    "TextsMissing",
    "TooManyPages",
    "TooManyTokens",
    "TransientError",
    "Unauthenticated",
    "Unexpected",
    "UnsupportedMediaType",
    "UploadTooSlow",
    "WaitExpired",
    "WorkerLost",
    "WrongSettings",
    "classes_below",
    "of_code",
]
