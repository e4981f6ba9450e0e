"""Bind the owner of the tables to row security."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0014"
down_revision = "0013"
works_from = "0013"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0014_bind_owner.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0014_bind_owner.down")
