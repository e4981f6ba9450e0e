"""Create the table of schema steps."""

from ingest.adapters.postgres.migrate import run_sql

revision = "0013"
down_revision = "0010"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0013_create_schema_steps.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0013_create_schema_steps.down")
