"""Create access and workers."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0004_create_access_and_workers.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0004_create_access_and_workers.down")
