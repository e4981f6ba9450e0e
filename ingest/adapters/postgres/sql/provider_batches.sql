-- name: lock_batches
-- Nobody else puts texts into batches of tenant $1 and model $2, or ends one, until the transaction does.
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text || $2::text, 3));

-- name: open_batch
-- The batch of tenant $1 and space ($2, $3, $4) that takes texts, should there be none.
INSERT INTO upload_pipeline.provider_batches
(batch_id, tenant_id, embed_model, embed_version, vector_dim)
VALUES (gen_random_uuid(), $1, $2, $3, $4)
ON CONFLICT (tenant_id, embed_model, embed_version) WHERE status = 'filling' DO NOTHING;

-- name: filling_batch
-- The batch of tenant $1 and space ($2, $3) that takes texts, and what is in it.
SELECT batch_id, texts, bytes_len, tokens FROM upload_pipeline.provider_batches
WHERE tenant_id = $1 AND embed_model = $2 AND embed_version = $3 AND status = 'filling'
FOR UPDATE;

-- name: fill_batch
-- Batch $1 has $2 more texts, of $3 bytes and $4 tokens; it takes no more if $5.
UPDATE upload_pipeline.provider_batches
SET texts = texts + $2, bytes_len = bytes_len + $3, tokens = tokens + $4, added_at = now(),
    status = CASE WHEN $5 THEN 'submitting' ELSE status END,
    closed_at = CASE WHEN $5 THEN now() END
WHERE batch_id = $1;

-- name: take_batch
-- A batch to submit, within $2: it is full, or took no text for $1, or for thirty times as long
-- since its first one. Of its model, no more than $3 tokens are at the provider then, or nothing else.
-- What no job works on any more is left out, unless the provider may have the batch already.
WITH
-- A batch that another process takes at this moment is passed by.
chosen AS (
    SELECT b.batch_id, b.call_id FROM upload_pipeline.provider_batches AS b
    WHERE (
        (
            b.status = 'filling' AND b.texts > 0
            AND (b.added_at < now() - $1::interval OR b.opened_at < now() - 30 * $1::interval)
        ) OR (b.status = 'submitting' AND b.poll_after <= now())
    ) AND coalesce((
        SELECT sum(o.tokens) + b.tokens <= $3 FROM upload_pipeline.provider_batches AS o
        WHERE o.status = 'submitted' AND o.embed_model = b.embed_model
    ), true)
    ORDER BY b.opened_at LIMIT 1 FOR UPDATE SKIP LOCKED
),
-- Texts of documents that were deleted, published otherwise or given up; nothing is paid for them. A batch
-- with a call was perhaps submitted already, and has to stay as it was.
unwanted AS (
    DELETE FROM upload_pipeline.document_vector_buffer AS t
    USING chosen
    WHERE t.batch_id = chosen.batch_id AND chosen.call_id IS NULL AND NOT EXISTS (
        SELECT 1 FROM upload_pipeline.upload_jobs AS j
        WHERE j.document_id = t.document_id AND j.finished_at IS NULL
    )
    RETURNING t.text_sha256
)
UPDATE upload_pipeline.provider_batches AS b
SET status = 'submitting', closed_at = coalesce(b.closed_at, now()), token = gen_random_uuid(),
    poll_after = now() + $2::interval,
    texts = held.texts, tokens = held.tokens
FROM chosen, LATERAL (
    SELECT count(*) AS texts, coalesce(sum(t.token_count), 0) AS tokens
    FROM upload_pipeline.document_vector_buffer AS t
    WHERE t.batch_id = chosen.batch_id AND t.text_sha256 NOT IN (SELECT text_sha256 FROM unwanted)
) AS held
WHERE b.batch_id = chosen.batch_id
RETURNING
    b.batch_id, b.tenant_id, b.embed_model, b.embed_version, b.vector_dim, b.texts, b.tokens,
    b.token, b.closed_at, b.call_id, b.key_fingerprint, b.remote_id, false AS overdue;

-- name: sending_batch
-- Batch $1 is about to be submitted, as call $3 with key $4, by whoever holds token $2.
UPDATE upload_pipeline.provider_batches SET call_id = $3, key_fingerprint = $4
WHERE batch_id = $1 AND token = $2 AND status = 'submitting'
RETURNING batch_id;

-- name: submitted_batch
-- Batch $1 of token $2 was submitted as call $3 with key $4, and is $5 there; asked for after $6,
-- given up after $7.
UPDATE upload_pipeline.provider_batches
SET status = 'submitted', call_id = $3, key_fingerprint = $4, remote_id = $5,
    submitted_at = now(), poll_after = now() + $6::interval, deadline = now() + $7::interval,
    error_code = NULL, error_message = NULL
WHERE batch_id = $1 AND token = $2 AND status = 'submitting'
RETURNING deadline;

-- name: put_back_batch
-- Batch $1 of token $2 could not be submitted, because of $3, $4: again after $5. With $6, the
-- provider may have it by the call that was noted.
UPDATE upload_pipeline.provider_batches
SET poll_after = now() + $5::interval, error_code = $3, error_message = $4,
    call_id = CASE WHEN $6 THEN call_id END
WHERE batch_id = $1 AND token = $2 AND status = 'submitting';

-- name: due_batches
-- Up to $1 batches that are due to be asked for, and asked for again after $2.
UPDATE upload_pipeline.provider_batches AS b SET poll_after = now() + $2::interval
WHERE b.batch_id IN (
    SELECT d.batch_id FROM upload_pipeline.provider_batches AS d
    WHERE d.status = 'submitted' AND d.poll_after <= now()
    ORDER BY d.poll_after LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING
    b.batch_id, b.tenant_id, b.embed_model, b.embed_version, b.vector_dim, b.texts, b.tokens,
    b.token, b.closed_at, b.call_id, b.key_fingerprint, b.remote_id,
    b.deadline < now() AS overdue;

-- name: collected_batch
-- Batch $1 is over; what is not well with it: $2, $3.
UPDATE upload_pipeline.provider_batches
SET status = 'collected', ended_at = now(), error_code = $2, error_message = $3
WHERE batch_id = $1 AND status IN ('submitting', 'submitted')
RETURNING batch_id;

-- name: again_batch
-- The provider did nothing of batch $1, because of $2, $3: it is submitted again after $4.
UPDATE upload_pipeline.provider_batches
SET status = 'submitting', poll_after = now() + $4::interval, error_code = $2,
    error_message = $3, remote_id = NULL, call_id = NULL
WHERE batch_id = $1 AND status = 'submitted'
RETURNING batch_id;

-- name: end_batches
-- Batches that are over, and no job waits for any more.
UPDATE upload_pipeline.provider_batches AS b SET status = 'ended'
WHERE b.status = 'collected' AND NOT EXISTS (
    SELECT 1 FROM upload_pipeline.upload_jobs AS j
    WHERE j.provider_batch_id = b.batch_id AND j.state = 'waiting' AND j.wait_reason = 'batch'
);

-- name: list_batches
-- The newest $2 batches, of tenant $1 or of all, with how many of their texts have which result.
SELECT
    b.batch_id, b.tenant_id, b.embed_model, b.status, b.texts, b.tokens, b.opened_at,
    b.submitted_at, b.deadline, b.ended_at, b.remote_id, b.error_code, b.error_message,
    (
        SELECT count(*) FROM upload_pipeline.upload_jobs AS j
        WHERE j.provider_batch_id = b.batch_id AND j.state = 'waiting' AND j.wait_reason = 'batch'
    ) AS jobs_waiting,
    trim_scale(c.reserved_usd) AS reserved_usd, trim_scale(c.usd) AS usd, c.units AS charged_tokens
FROM upload_pipeline.provider_batches AS b
LEFT JOIN upload_pipeline.provider_calls AS c ON c.call_id = b.call_id
WHERE $1::uuid IS NULL OR b.tenant_id = $1
ORDER BY b.opened_at DESC, b.batch_id LIMIT $2;

-- name: count_batches
-- How many batches that are not over are how far, and what is in them.
SELECT status, count(*) AS batches, sum(texts)::bigint AS texts, sum(tokens)::bigint AS tokens
FROM upload_pipeline.provider_batches
WHERE status <> 'ended' AND ($1::uuid IS NULL OR tenant_id = $1) GROUP BY status ORDER BY status;

-- name: prune_batches
-- Forget up to $1 batches that ended $2 ago, of which no text is kept.
DELETE FROM upload_pipeline.provider_batches AS b
WHERE b.batch_id IN (
    SELECT old.batch_id FROM upload_pipeline.provider_batches AS old
    WHERE old.status = 'ended' AND old.ended_at < now() - $2::interval
        AND NOT EXISTS (
            SELECT 1 FROM upload_pipeline.document_vector_buffer AS t
            WHERE t.batch_id = old.batch_id
        )
    LIMIT $1
)
RETURNING b.batch_id;
