"""Index due jobs."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0019"
down_revision = "0018"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0019_index_due_jobs.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0019_index_due_jobs.down", in_transaction=False)
