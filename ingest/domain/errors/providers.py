"""What a provider refused, or answered wrongly: never repeated as it was."""

from ingest.domain.errors.base import IngestError


class ProviderRefused(IngestError):
    """A provider refused us: credentials, quota or a bad request."""

    code = "provider_refused"


class InputRefused(ProviderRefused):
    """A provider refused what it was sent, whoever sends it."""

    code = "input_refused"

    def __init__(self, message: str = "", *, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index
        """Position of the refused text in the request, when the provider named it."""


class RequestTooLarge(InputRefused):
    """A request is over a limit that no waiting lifts; it must be split."""

    code = "request_too_large"


class CredentialsRefused(ProviderRefused):
    """A provider does not accept the key: unknown, revoked, or of another region."""

    code = "credentials_refused"


class BillingRefused(ProviderRefused):
    """A provider wants money first: credit, plan or spend limit is used up."""

    code = "billing_refused"


class InvalidVector(IngestError):
    """An embedder returned a vector of the wrong size, without length, or with NaN."""

    code = "invalid_vector"


class TextsFailed(IngestError):
    """Provider batches ended too often without a result for a text."""

    code = "texts_failed"
