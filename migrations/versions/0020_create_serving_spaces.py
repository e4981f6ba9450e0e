"""Create serving_spaces."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0020"
down_revision = "0019"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0020_create_serving_spaces.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0020_create_serving_spaces.down")
