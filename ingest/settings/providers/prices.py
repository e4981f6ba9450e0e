"""Prices that override the built-in ones."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_settings import NoDecode

from ingest.settings.providers.json_variable import from_json


class PriceEntry(BaseModel):
    """A price from a day on; see ``domain.pricing.Price``."""

    provider: str
    model: str
    since: date
    usd: Decimal = Field(ge=0)


class PriceSettings(BaseModel):
    """What calls of providers cost."""

    prices: Annotated[list[PriceEntry], NoDecode, BeforeValidator(from_json)] = Field(
        [],
        description="JSON list of {provider, model, since, usd}: prices that override the built-in "
        "ones; usd per million tokens, or per credit.",
    )
