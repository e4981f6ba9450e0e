"""Looks at the database from outside, with plain SQL, and says what is wrong with it."""

import time
from collections import Counter
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Ledger:
    """One database, read without any code of the pipeline."""

    url: str

    def states(self) -> Counter[str]:
        """Number of jobs by state."""
        return Counter(
            {
                str(state): int(str(count))
                for state, count in self._rows(
                    "SELECT state, count(*) FROM upload_pipeline.upload_jobs GROUP BY state"
                )
            }
        )

    def unfinished(self) -> int:
        """Jobs that have not ended."""
        rows = self._rows(
            "SELECT count(*) FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL"
        )
        return int(str(rows[0][0]))

    def finished(self) -> int:
        """Jobs that have ended."""
        return sum(self.states().values()) - self.unfinished()

    def wait_until_finished(self, *, jobs: int, seconds: float) -> None:
        """Wait until so many jobs are there and all have ended.

        Raises:
            AssertionError: they have not, in time; says what the rest is doing.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if sum(self.states().values()) >= jobs and not self.unfinished():
                return
            time.sleep(0.1)
        stuck = self._rows(
            "SELECT state, stage, wait_reason, date_trunc('second', run_after - now())::text, "
            "attempt_count, rescue_count, last_error->>'code', count(*) "
            "FROM upload_pipeline.upload_jobs WHERE finished_at IS NULL "
            "GROUP BY 1, 2, 3, 4, 5, 6, 7"
        )
        raise AssertionError(f"{self.states()} of {jobs} jobs after {seconds} s; stuck: {stuck}")

    def dead_letters(self) -> dict[str, str]:
        """Error code of each dead-lettered document, by filename."""
        return {
            str(filename): str(code)
            for filename, code in self._rows(
                "SELECT d.filename, j.last_error->>'code' FROM upload_pipeline.upload_jobs AS j "
                "JOIN upload_pipeline.documents AS d USING (document_id) "
                "WHERE j.state = 'deadletter'"
            )
        }

    def texts(self) -> dict[str, list[tuple[int, int, str]]]:
        """Chunks (char_start, char_end, text) in order, by filename."""
        found: dict[str, list[tuple[int, int, str]]] = {}
        for filename, start, end, text in self._rows(
            "SELECT d.filename, c.char_start, c.char_end, c.text "
            "FROM upload_pipeline.document_chunks AS c "
            "JOIN upload_pipeline.documents AS d USING (document_id) "
            "ORDER BY d.filename, c.chunk_ord"
        ):
            entry = (int(str(start)), int(str(end)), str(text))
            found.setdefault(str(filename), []).append(entry)
        return found

    def faults(self) -> list[tuple[object, ...]]:
        """Documents whose chunks are not exactly one published generation, whole and once.

        Vectors beside those that serve the tenant are not looked at.
        """
        return self._rows(
            """
            SELECT d.filename, d.generation, d.live_generation, d.chunk_count,
                count(c.chunk_id), count(DISTINCT c.chunk_ord), min(c.chunk_ord), max(c.chunk_ord)
            FROM upload_pipeline.documents AS d
            LEFT JOIN (
                SELECT * FROM upload_pipeline.document_chunks AS all_chunks WHERE NOT EXISTS (
                    SELECT 1 FROM upload_pipeline.serving_spaces AS s
                    WHERE s.tenant_id = all_chunks.tenant_id
                        AND (s.other_model, s.other_version)
                        = (all_chunks.embed_model, all_chunks.embed_version)
                )
            ) AS c USING (document_id)
            WHERE EXISTS (
                SELECT 1 FROM upload_pipeline.upload_jobs AS j
                WHERE j.document_id = d.document_id AND j.state = 'done'
            )
            GROUP BY d.document_id
            HAVING d.live_generation <> d.generation
                OR d.chunk_count = 0
                OR count(c.chunk_id) <> d.chunk_count
                OR count(DISTINCT c.chunk_ord) <> d.chunk_count
                OR min(c.chunk_ord) <> 0
                OR max(c.chunk_ord) <> d.chunk_count - 1
            UNION ALL
            SELECT d.filename, d.generation, d.live_generation, d.chunk_count,
                count(c.chunk_id), 0, 0, 0
            FROM upload_pipeline.documents AS d
            JOIN upload_pipeline.document_chunks AS c USING (document_id)
            WHERE d.live_generation = 0
            GROUP BY d.document_id
            HAVING bool_and(EXISTS (
                SELECT 1 FROM upload_pipeline.upload_jobs AS j
                WHERE j.document_id = d.document_id AND j.state = 'deadletter'
            ))
            """
        )

    def degraded(self) -> Counter[str]:
        """Published documents by each part that was made without its provider."""
        rows = self._rows(
            "SELECT part, count(*) FROM upload_pipeline.documents, unnest(degraded) AS part "
            "WHERE live_generation > 0 GROUP BY part"
        )
        return Counter({str(part): int(str(count)) for part, count in rows})

    def upgrades(self) -> Counter[str]:
        """How often each document was made again because its provider was back, by filename."""
        rows = self._rows(
            "SELECT d.filename, count(*) FROM upload_pipeline.upload_jobs AS j "
            "JOIN upload_pipeline.documents AS d USING (document_id) "
            "WHERE j.cause = 'upgrade' GROUP BY d.filename"
        )
        return Counter({str(filename): int(str(count)) for filename, count in rows})

    def tokens(self) -> int:
        """What providers charged for embedding, as it was settled."""
        rows = self._rows(
            "SELECT coalesce(sum(units), 0) FROM upload_pipeline.provider_calls "
            "WHERE provider = 'openai' AND state = 'settled'"
        )
        return int(str(rows[0][0]))

    def rescues(self) -> int:
        """How often jobs were taken from a worker that was lost."""
        rows = self._rows("SELECT coalesce(sum(rescue_count), 0) FROM upload_pipeline.upload_jobs")
        return int(str(rows[0][0]))

    def _rows(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()
