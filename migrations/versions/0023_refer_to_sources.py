"""Refer to sources."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0023"
down_revision = "0022"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0023_refer_to_sources.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0023_refer_to_sources.down")
