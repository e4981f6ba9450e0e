"""What a system uses, said once it is ready."""

import os

import typer

from ingest.cli.client.connect import connect
from ingest.cli.output import Json, console, emit_json, facts
from ingest.cli.process import run_async
from ingest.settings import Settings


def show(url: str, settings: Settings, *, as_json: bool, pid: int | None = None) -> None:
    """Print where a ready system is and what it uses.

    Args:
        url: Its gateway.
        settings: With which it was started.
        as_json: As one line of JSON.
        pid: Its process; None means this one.
    """
    used = _used(url, settings) | {"pid": pid or os.getpid()}
    if as_json:
        emit_json({"url": url, **used}, indent=None)
        return
    typer.echo(f"ingest is ready: {url}  (API description: {url}/docs)")
    console().print(facts(used.items()))


def database_label(settings: Settings) -> str:
    """Where the database is, without its password."""
    if settings.database_url is None:
        return f"embedded PostgreSQL in {settings.state_dir}"
    return without_password(settings.database_url.get_secret_value())


def without_password(url: str) -> str:
    """A database URL that can be shown."""
    from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    query = [(k, "***" if k == "password" else v) for k, v in parse_qsl(parts.query)]
    netloc = f"{user.partition(':')[0]}{at}{place}"
    return urlunsplit((parts.scheme, netloc, parts.path, urlencode(query, safe="/*"), ""))


def _used(url: str, settings: Settings) -> Json:
    async def ask() -> Json:
        async with connect(url, None) as gateway:
            return (await gateway.readiness())[1]

    answer = run_async(ask())
    return {
        "database": database_label(settings),
        "blobs": settings.blob_url or f"folder {settings.state_dir}/blobs",
        "parser": answer.get("parser"),
        "embedder": answer.get("embedder"),
        "auth": settings.auth.value,
        "version": answer.get("version"),
    }
