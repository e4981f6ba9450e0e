"""Index embedded texts."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0007_index_embedded_texts.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0007_index_embedded_texts.down", in_transaction=False)
