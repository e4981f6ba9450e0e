"""Index unfinished jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0016"
down_revision = "0015"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0016_index_unfinished_jobs.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0016_index_unfinished_jobs.down", in_transaction=False)
