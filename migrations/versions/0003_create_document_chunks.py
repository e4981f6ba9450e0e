"""Create document chunks."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0003_create_document_chunks.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0003_create_document_chunks.down")
