"""Keep tombstones of deleted documents."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0026"
down_revision = "0025"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0026_tombstones.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0026_tombstones.down")
