"""Create the ledger."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0005_create_ledger.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0005_create_ledger.down")
