"""Scope API keys."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0011_scope_api_keys.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0011_scope_api_keys.down")
