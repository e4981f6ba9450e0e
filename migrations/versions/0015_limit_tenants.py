"""Limit what a tenant may use."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0015"
down_revision = "0014"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0015_limit_tenants.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0015_limit_tenants.down")
