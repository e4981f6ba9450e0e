"""Newer versions of the code, as copies of it with a migration more."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = "-- revision: {revision}, after: {before}, works from: {before}\n"
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
    migration = folder / "migrations" / "sql" / f"{revision}_workers.up.sql"
    migration.write_text(HEADER.format(revision=revision, before=before) + sql)
    workers = folder / "ingest" / "adapters" / "postgres" / "sql" / "workers.sql"
    text = workers.read_text().replace("host, pid, version)", "host, pid, build)")
    workers.write_text(text.replace("host, pid, version,", "host, pid, build AS version,"))
    init = folder / "ingest" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{revision}"', init.read_text()))
    return folder
