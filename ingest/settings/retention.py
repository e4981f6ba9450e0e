"""How long data is kept that no job needs any more."""

from datetime import timedelta

from pydantic import BaseModel, Field

from ingest.domain.retention import Retention


class RetentionSettings(BaseModel):
    """After which time each kind of data is removed."""

    keep_events_days: float = Field(
        90.0, gt=0, le=36_500, description="Days for which the events of published jobs are kept."
    )
    keep_failed_events_days: float = Field(
        365.0,
        gt=0,
        le=36_500,
        description="Days for which the events of failed and cancelled jobs are kept.",
    )
    keep_webhooks_days: float = Field(
        30.0, gt=0, le=36_500, description="Days for which deliveries of webhooks are kept."
    )
    keep_failed_parses_days: float = Field(
        30.0, gt=0, le=36_500, description="Days for which failed parses of LlamaParse are kept."
    )
    keep_incoming_hours: float = Field(
        24.0,
        ge=1,
        le=87_600,
        description="Hours after which the bytes of an incomplete upload are deleted.",
    )

    @property
    def retention(self) -> Retention:
        """How long data is kept that no job needs any more."""
        return Retention(
            events=timedelta(days=self.keep_events_days),
            failed_events=timedelta(days=self.keep_failed_events_days),
            webhooks=timedelta(days=self.keep_webhooks_days),
            failed_parses=timedelta(days=self.keep_failed_parses_days),
            incoming=timedelta(hours=self.keep_incoming_hours),
        )
