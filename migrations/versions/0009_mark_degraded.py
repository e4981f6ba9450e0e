"""Mark degraded documents."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0009_mark_degraded.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0009_mark_degraded.down")
