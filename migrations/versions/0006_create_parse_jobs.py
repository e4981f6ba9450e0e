"""Create parse jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0006_create_parse_jobs.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0006_create_parse_jobs.down")
