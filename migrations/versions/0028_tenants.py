"""Tenants."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0028"
down_revision = "0027"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0028_tenants.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0028_tenants.down")
