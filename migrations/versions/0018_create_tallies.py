"""Create tallies."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0018"
down_revision = "0017"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0018_create_tallies.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0018_create_tallies.down")
