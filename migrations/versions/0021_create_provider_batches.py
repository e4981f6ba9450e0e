"""Create provider batches."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0021"
down_revision = "0020"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0021_create_provider_batches.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0021_create_provider_batches.down")
