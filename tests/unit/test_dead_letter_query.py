"""The filter of the dead letter knows the tree of errors."""

from ingest.domain.dead_letter import DeadLetterQuery


def test_a_class_stands_for_itself_and_those_below_it() -> None:
    rejected = DeadLetterQuery(error_class="DocumentRejected").classes
    transient = DeadLetterQuery(error_class="TransientError").classes

    assert rejected is not None
    assert transient is not None
    assert {"DocumentRejected", "DocumentEncrypted", "ParseInvalid", "SourceGone"} <= set(rejected)
    assert {"WorkerLost", "ProviderPaused", "SourceUnavailable", "WaitExpired"} <= set(transient)
    assert not set(rejected) & set(transient)
    assert DeadLetterQuery(error_class="DocumentEncrypted").classes == ["DocumentEncrypted"]


def test_a_class_that_another_version_has_stored_stands_for_itself() -> None:
    assert DeadLetterQuery(error_class="OfTheFuture").classes == ["OfTheFuture"]
    assert DeadLetterQuery().classes is None
