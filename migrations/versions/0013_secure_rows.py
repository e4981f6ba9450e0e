"""Secure the rows of tenants."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0013"
down_revision = "0012"
works_from = "0012"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0013_secure_rows.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0013_secure_rows.down")
