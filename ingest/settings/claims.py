"""How many jobs a stream takes from the queue, and how it stops."""

from pydantic import BaseModel, Field


class ClaimSettings(BaseModel):
    """The size and the pace of claims, and the time to drain."""

    wave_jobs: int = Field(64, ge=1, le=1024, description="Most jobs in one claim.")
    small_waves_per_second: float = Field(
        8.0,
        gt=0,
        le=1000,
        description="Most claims a second that are not full, after a burst of four. Jobs that "
        "arrive faster share a claim, because each claim costs the stream about 80 ms of CPU time.",
    )
    claim_ahead_jobs: int = Field(
        256,
        ge=1,
        description="Most unfinished jobs that a stream holds; this bounds memory and repeated "
        "work. The stream claims more when a quarter of them, or a wave, is free.",
    )
    drain_timeout_seconds: float = Field(
        30.0, gt=0, description="Seconds in which a stopping stream may finish its jobs."
    )
