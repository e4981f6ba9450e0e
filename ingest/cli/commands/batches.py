"""``ingest batches``: lists batches of texts that a provider embeds within a day."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ingest.cli.options import JsonOption

if TYPE_CHECKING:
    from ingest.adapters.postgres.pool import Database
    from ingest.adapters.postgres.providers.provider_batch_store import BatchView
    from ingest.domain.tenant import Names


def list_batches(
    tenant: Annotated[
        str | None,
        typer.Option(help="Only batches of this tenant: a name or a UUID.", show_default=False),
    ] = None,
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="Show at most N batches.")
    ] = 20,
    as_json: JsonOption = False,
) -> None:
    """List provider batches, the newest first, with their status and cost.

    A batch collects the texts of jobs in the lane 'batch'. It is then submitted to OpenAI, which
    answers within a day. The jobs wait for their batch. They continue while a backfill with
    '--lane batch' runs.
    """
    from dataclasses import asdict

    from ingest.adapters.postgres.admin.tenant_store import TenantStore
    from ingest.adapters.postgres.providers.provider_batch_store import ProviderBatchStore
    from ingest.cli.commands.keys import with_database
    from ingest.cli.output import emit_json
    from ingest.cli.system.tenants import existing

    async def read(database: "Database") -> "tuple[Sequence[BatchView], Names]":
        owner = None if tenant is None else (await existing(database, tenant)).tenant_id
        batches = await ProviderBatchStore(database).newest(owner, limit=limit)
        return batches, await TenantStore(database).names({batch.tenant_id for batch in batches})

    found, names = with_database(read)
    if as_json:
        emit_json([asdict(batch) | {"tenant_name": names.get(batch.tenant_id)} for batch in found])
    elif found:
        _show(found, names if tenant is None else {})
    else:
        typer.echo("no batches; 'ingest backfill --lane batch URI' makes some")


def _show(batches: "Sequence[BatchView]", names: "Mapping[UUID, str]") -> None:
    """Print batches; a tenant is shown by name only, because ids would take too much width."""
    from ingest.cli.output import console, money, table

    rows = [
        [
            batch.opened_at.astimezone().strftime("%m-%d %H:%M"),
            batch.status,
            *([names.get(batch.tenant_id)] if names else []),
            f"{batch.texts:,}",
            f"{batch.tokens if batch.charged_tokens is None else batch.charged_tokens:,}",
            money(batch.usd or batch.reserved_usd) if batch.reserved_usd is not None else None,
            f"{batch.jobs_waiting:,}",
            batch.remote_id,
            batch.error_message,
        ]
        for batch in batches
    ]
    numbers = ["texts", "tokens", "cost", "jobs\nwaiting"]
    columns = [
        "opened",
        "status",
        *(["tenant"] if names else []),
        *numbers,
        "at the provider",
        "note",
    ]
    whole = ["opened", "status", "texts", "tokens", "cost", "at the provider"]
    console().print(table(columns, rows, right=numbers, whole=whole))
