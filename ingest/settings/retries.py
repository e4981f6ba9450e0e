"""How often and how long a job is tried before the dead letter."""

from pydantic import BaseModel, Field


class RetrySettings(BaseModel):
    """Attempts, waits, and replays of the dead letter."""

    max_attempts: int = Field(
        5, ge=1, description="Failed attempts after which a job goes to the dead letter."
    )
    wait_days: float = Field(
        7.0, gt=0, description="Longest wait for a provider or a budget before the dead letter."
    )
    replays_per_second: float = Field(
        10.0,
        gt=0,
        le=1000,
        description="Jobs a second that a replay of the dead letter starts, for each tenant.",
    )
