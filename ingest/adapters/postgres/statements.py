"""Named SQL statements, read once from the files in ``sql/``."""

import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"
_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_INCLUDE = re.compile(r"\{include (\w+)\}")


@cache
def load(table: str) -> dict[str, str]:
    """The statements of ``sql/<table>.sql`` by name, without their comment lines.

    ``{include x}`` stands for ``sql/fragments/x.sql``, a part that several statements share.
    """
    text = _INCLUDE.sub(lambda include: f"\n{_read(f'fragments/{include[1]}')}", _read(table))
    parts = _HEADER.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{table}.sql names a statement twice")
    return {
        name: "\n".join(
            line for line in body.splitlines() if not line.lstrip().startswith("--")
        ).strip()
        for name, body in zip(names, bodies, strict=True)
    }


def _read(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
