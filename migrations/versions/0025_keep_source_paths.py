"""Keep source paths."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0025"
down_revision = "0024"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0025_keep_source_paths.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0025_keep_source_paths.down")
