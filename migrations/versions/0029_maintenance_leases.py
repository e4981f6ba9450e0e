"""Maintenance leases."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0029"
down_revision = "0028"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0029_maintenance_leases.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0029_maintenance_leases.down")
