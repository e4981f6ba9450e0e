"""Add operator controls."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0010_add_operator_controls.up", in_transaction=False)


def downgrade() -> None:
    """Run the down file."""
    run_sql("0010_add_operator_controls.down", in_transaction=False)
