"""Index waiting jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0008_index_waiting_jobs.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0008_index_waiting_jobs.down", in_transaction=False)
