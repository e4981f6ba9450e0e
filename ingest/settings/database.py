"""The PostgreSQL database."""

from pydantic import BaseModel, Field, SecretStr


class DatabaseSettings(BaseModel):
    """The database's address, connections, and memory for indexes."""

    database_url: SecretStr | None = Field(
        None,
        description="URL (postgresql://…) of a server with pgvector; empty: the embedded "
        "PostgreSQL.",
    )
    database_pool_size: int = Field(
        4,
        ge=1,
        le=100,
        description="Most database connections of each process.",
    )
    database_pooler: bool = Field(
        False,
        description="True when the URL is a transaction-mode pooler: no prepared statements, no "
        "LISTEN.",
    )
    index_build_bytes: int = Field(
        1024**3,
        ge=1024**2,
        description="Most memory in bytes that PostgreSQL may use to build a vector index, if it "
        "is more than its own maintenance_work_mem. With too little memory a build takes many "
        "times as long.",
    )
