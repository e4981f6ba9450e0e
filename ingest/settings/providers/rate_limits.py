"""How much of the providers' rate limits is used.

The limits of each key are variables of its provider: see ``openai`` and ``llamaparse``.
"""

from pydantic import BaseModel, Field


class RateLimitSettings(BaseModel):
    """What the rate limiter leaves unused."""

    quota_share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Share of a provider's limits that the rate limiter may use; it grants 98 % "
        "of that.",
    )
