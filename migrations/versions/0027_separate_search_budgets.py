"""Separate search budgets."""

from ingest.adapters.postgres.admin.migrate import run_sql

revision = "0027"
down_revision = "0026"
works_from = "0014"


def upgrade() -> None:
    """Run the up file."""
    run_sql("0027_separate_search_budgets.up")


def downgrade() -> None:
    """Run the down file."""
    run_sql("0027_separate_search_budgets.down")
