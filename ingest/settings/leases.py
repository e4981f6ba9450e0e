"""How long a stream may hold a job."""

from datetime import timedelta

from pydantic import BaseModel, Field


class LeaseSettings(BaseModel):
    """Leases of jobs, and the rescue of jobs whose lease ran out."""

    lease_seconds: float = Field(
        60.0,
        gt=0,
        description="Seconds without a heartbeat after which a job returns to the queue.",
    )
    stage_timeout_seconds: float = Field(
        1800.0, gt=0, description="Seconds without progress after which a job loses its lease."
    )
    rescue_interval_seconds: float = Field(
        5.0, gt=0, description="Seconds between two checks of the leases."
    )
    max_rescues: int = Field(
        10,
        ge=1,
        description="Lost leases after which a job goes to the dead letter; this stops a "
        "document that kills workers.",
    )

    @property
    def lease(self) -> timedelta:
        """How long a lease lasts without a heartbeat."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def stuck_after(self) -> timedelta:
        """How late the next step of a job may be before the job counts as stuck."""
        return timedelta(seconds=max(60.0, 10 * self.rescue_interval_seconds))
