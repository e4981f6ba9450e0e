"""Newer versions of the code, as copies of it with a migration more."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
REVISION = """
from ingest.adapters.postgres.admin.migrate import run_sql

revision = "{revision}"
down_revision = "{before}"
works_from = "{before}"


def upgrade() -> None:
    run_sql("{revision}.up")


def downgrade() -> None:
    raise NotImplementedError  # nobody goes back from it
"""
EXPAND = """
ALTER TABLE upload_pipeline.workers ADD COLUMN build text;
ALTER TABLE upload_pipeline.workers ALTER COLUMN version SET DEFAULT '';
"""
CONTRACT = "ALTER TABLE upload_pipeline.workers DROP COLUMN version;"


def next_version(folder: Path, revision: str, before: str, sql: str, *, base: Path = ROOT) -> Path:
    """A copy of the code with one migration more, which fills ``build`` in place of ``version``."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    for part in ("ingest", "serve", "migrations"):
        shutil.copytree(base / part, folder / part, ignore=ignored)
    migrations = folder / "migrations"
    (migrations / "sql" / f"{revision}.up.sql").write_text(sql)
    module = REVISION.format(revision=revision, before=before)
    (migrations / "versions" / f"{revision}.py").write_text(module)
    workers = folder / "ingest" / "adapters" / "postgres" / "sql" / "workers.sql"
    text = workers.read_text().replace("host, pid, version)", "host, pid, build)")
    workers.write_text(text.replace("host, pid, version,", "host, pid, build AS version,"))
    init = folder / "ingest" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{revision}"', init.read_text()))
    return folder
