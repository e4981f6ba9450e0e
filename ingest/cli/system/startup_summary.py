"""Prints what a system uses when it is ready."""

import os

import typer

from ingest.cli.client.connect import connect
from ingest.cli.output import Json, console, emit_json, facts
from ingest.cli.process import run_async
from ingest.settings import Settings


def show(url: str, settings: Settings, *, as_json: bool, pid: int | None = None) -> None:
    """Print the URL of a ready system and the parts it uses.

    Args:
        url: URL of its gateway.
        settings: Settings of the system.
        as_json: Whether to print one line of JSON.
        pid: Pid of the system; None is this process.
    """
    used = _used(url, settings) | {"pid": pid or os.getpid()}
    if as_json:
        emit_json({"url": url, **used}, indent=None)
        return
    typer.echo(f"ingest is ready: {url}  (API description: {url}/docs)")
    console().print(facts(used.items()))


def database_label(settings: Settings) -> str:
    """Describe the database without its password."""
    if settings.database_url is None:
        return f"embedded PostgreSQL in {settings.state_dir}"
    return without_password(settings.database_url.get_secret_value())


def without_password(url: str) -> str:
    """Remove the password from a database URL."""
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
