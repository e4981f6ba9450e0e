"""The vector spaces that the specifications of providers name, as rows of the database.

A migration is not needed for a new one: its row is made by ``ingest migrate``, and its index by
``ingest index build``. Until then search compares its vectors one by one.
"""

import re
from typing import Any

import asyncpg
import psycopg
import sqlalchemy

from ingest.adapters.postgres.statements import load
from ingest.domain import provider_specs
from ingest.domain.embedding_model import EmbeddingModel

SQL = load("embedding_models")
MISSING = "the database lacks the vector space"
"""With this begins what ``missing`` says."""
_NAME_CHARS = 46
"""PostgreSQL cuts names at 63; a rebuilt index has 9 more in front, and 8 at the end."""


def register(connection: sqlalchemy.Connection) -> None:
    """Make the rows that there are not yet; the rest stays as it is."""
    driver: Any = connection.connection.driver_connection
    with psycopg.RawCursor(driver) as cursor:  # takes $1, as asyncpg does
        cursor.execute(SQL["list_models"])
        known = {(row[0], row[1]) for row in cursor.fetchall()}
        for model in _wanted():
            if (model.name, model.version) not in known:
                index = f"idx_hnsw_{_slug(model)}"
                cursor.execute(
                    SQL["add_model"], (model.name, model.version, model.dimension, index)
                )
    driver.commit()


async def missing(connection: asyncpg.Connection) -> str | None:
    """Which space of the specifications a database lacks; None when it has them all."""
    known = {(row[0], row[1]) for row in await connection.fetch(SQL["list_models"])}
    for model in _wanted():
        if (model.name, model.version) not in known:
            return f"{MISSING} {model.label}"
    return None


def _wanted() -> list[EmbeddingModel]:
    return [model for spec in provider_specs.embedders().values() for model in spec.models.values()]


def _slug(model: EmbeddingModel) -> str:
    return re.sub(r"[^a-z0-9]+", "_", f"{model.name}_v{model.version}".lower())[-_NAME_CHARS:]
