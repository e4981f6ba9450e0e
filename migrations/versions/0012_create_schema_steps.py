"""Create the table of schema steps."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0012_create_schema_steps.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0012_create_schema_steps.down")
