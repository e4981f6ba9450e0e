"""Create upload jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0002_create_upload_jobs.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0002_create_upload_jobs.down")
