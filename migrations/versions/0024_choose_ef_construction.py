"""Choose ef_construction."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0024"
down_revision = "0023"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0024_choose_ef_construction.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0024_choose_ef_construction.down")
