"""Create documents."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Run the up file."""
    run_sql("0001_create_documents.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0001_create_documents.down")
