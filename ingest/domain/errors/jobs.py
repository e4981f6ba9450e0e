"""A change of a job that must not happen."""

from ingest.domain.errors.base import IngestError


class LeaseLost(IngestError):
    """The job's lease now belongs to someone else."""

    code = "lease_lost"


class IllegalTransition(IngestError):
    """The transition table does not allow this change of state."""

    code = "illegal_transition"
