"""Index batched jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0022"
down_revision = "0021"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0022_index_batched_jobs.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0022_index_batched_jobs.down", in_transaction=False)
