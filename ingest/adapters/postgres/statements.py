"""Named SQL statements, read once from the files in ``sql/``."""

import re
from functools import cache
from pathlib import Path

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(table: str) -> dict[str, str]:
    """The statements of ``sql/<table>.sql`` by name, without their comment lines."""
    text = (Path(__file__).parent / "sql" / f"{table}.sql").read_text(encoding="utf-8")
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{table}.sql names a statement twice")
    return {
        name: "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()
        for name, body in zip(names, bodies, strict=True)
    }
