"""Create source_objects."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0017"
down_revision = "0016"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0017_create_source_objects.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0017_create_source_objects.down")
