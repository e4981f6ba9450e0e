"""Publishing: the step that makes a generation what readers see."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from ingest.adapters.postgres.documents.document_store import SQL as DOCUMENTS
from ingest.adapters.postgres.pool import Connection
from ingest.adapters.postgres.statements import load
from ingest.domain.attempt import Target
from ingest.domain.embedding import EmbeddingModel
from ingest.domain.serving_space import SpaceMoved

SQL = load("document_chunks")


async def publish(
    connection: Connection,
    targets: Sequence[Target],
    chunk_counts: Mapping[UUID, int],
    *,
    model: EmbeddingModel,
    is_stopgap: bool,
) -> None:
    """Swap generations and finish jobs, inside the transaction that stored the last chunk.

    Args:
        connection: Of that transaction; the jobs' leases are locked in it.
        targets: Whose chunks are all there.
        chunk_counts: How many those are, by job.
        model: The vector space they are in.
        is_stopgap: Keep the rows of other spaces, unseen, until their provider answers again.

    Raises:
        SpaceMoved: another space serves the tenant; nothing may be committed.
    """
    if not targets:
        return
    tenants = () if is_stopgap else {target.tenant_id for target in targets}
    rows = await connection.fetch(
        DOCUMENTS["live_generations"],
        [target.document_id for target in targets],
        list(tenants),
        model.name,
        model.version,
    )
    if not all(row["held"] for row in rows):
        raise SpaceMoved(f"{model.label} does not serve the tenant any more")
    live = {row["document_id"]: row["live_generation"] for row in rows}
    for target in targets:
        if live[target.document_id]:
            await _replace(
                connection, target, live[target.document_id], model, is_stopgap=is_stopgap
            )
    job_ids = [target.lease.job_id for target in targets]
    counts = [chunk_counts[job_id] for job_id in job_ids]
    await connection.execute(DOCUMENTS["publish"], job_ids, counts, model.name, model.version)


async def _replace(
    connection: Connection,
    target: Target,
    live_generation: int,
    model: EmbeddingModel,
    *,
    is_stopgap: bool,
) -> None:
    retained = await connection.fetchval(SQL["retained_chunks"], target.lease.job_id) or []
    await connection.execute(
        SQL["delete_superseded"],
        target.document_id,
        live_generation,
        [UUID(place["chunk_id"]) for place in retained],
        model.name,
        model.version,
        is_stopgap,
    )
    if retained:
        await connection.execute(
            SQL["move_retained"], target.document_id, retained, model.name, model.version
        )
