-- name: begin_parse
-- A parse $1 of content $3 of tenant $2 by $4 that there is none of yet. Its webhook's address has
-- the digest $5; it is given up after $6, and submitted within $7. The document has $8 pages and
-- $9 characters of its own; $10 pages are asked for.
INSERT INTO upload_pipeline.parse_jobs (
    parse_job_id, tenant_id, file_sha256, parser, token_sha256, deadline, poll_after,
    source_pages, source_chars, most_pages
)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval, now() + $7::interval, $8, $9, $10)
ON CONFLICT DO NOTHING
RETURNING parse_job_id;

-- name: get_parse
-- The parse of content $2 of tenant $1 by $3.
SELECT
    parse_job_id, tenant_id, parser, status, call_id, key_fingerprint, provider_job_id,
    submitted_at, deadline, deadline < now() AS overdue, source_pages, source_chars,
    most_pages, error_code, error_message, parsed_key,
    coalesce(status = 'failed' AND ended_at < now() - interval '10 minutes', false) AS outdated
FROM upload_pipeline.parse_jobs
WHERE tenant_id = $1 AND file_sha256 = $2 AND parser = $3;

-- name: take_over_parse
-- Whoever was handing parse $1 over must be dead: it is ours for $3, with a new address $2.
UPDATE upload_pipeline.parse_jobs
SET token_sha256 = $2, poll_after = now() + $3::interval
WHERE parse_job_id = $1 AND status = 'submitting' AND poll_after <= now()
RETURNING parse_job_id;

-- name: sending_parse
-- Parse $1 is about to be submitted, as call $3 with key $4, by whoever gave it the address $2.
UPDATE upload_pipeline.parse_jobs SET call_id = $3, key_fingerprint = $4
WHERE parse_job_id = $1 AND token_sha256 = $2 AND status = 'submitting'
RETURNING parse_job_id;

-- name: submitted_parse
-- Parse $1 was submitted as call $2 with key $3, and is $4 there; asked for after $5, unless the
-- provider has called already.
UPDATE upload_pipeline.parse_jobs
SET status = 'submitted', call_id = $2, key_fingerprint = $3, provider_job_id = $4,
    poll_after = CASE WHEN reported_at IS NULL THEN now() + $5::interval ELSE now() END
WHERE parse_job_id = $1 AND status = 'submitting'
RETURNING deadline;

-- name: drop_parse
-- Forget parse $1, which whoever gave it the address $2 did not get as far as its provider.
DELETE FROM upload_pipeline.parse_jobs
WHERE parse_job_id = $1 AND token_sha256 = $2 AND status = 'submitting';

-- name: forget_parse
-- Forget how parse $1 ended, so that it can be begun anew.
DELETE FROM upload_pipeline.parse_jobs
WHERE parse_job_id = $1 AND status IN ('completed', 'failed');

-- name: forget_content
-- Forget the parses of content $2 of tenant $1, of which no document is left; where their texts are.
DELETE FROM upload_pipeline.parse_jobs WHERE tenant_id = $1 AND file_sha256 = $2
RETURNING parsed_key;

-- name: due_parses
-- Up to $1 parses that are due to be asked for, and asked for again after $2.
UPDATE upload_pipeline.parse_jobs AS p SET poll_after = now() + $2::interval
WHERE p.parse_job_id IN (
    SELECT d.parse_job_id FROM upload_pipeline.parse_jobs AS d
    WHERE d.status = 'submitted' AND d.poll_after <= now()
    ORDER BY d.poll_after LIMIT $1 FOR UPDATE SKIP LOCKED
)
RETURNING
    p.parse_job_id, p.tenant_id, p.parser, p.status, p.call_id, p.key_fingerprint,
    p.provider_job_id, p.submitted_at, p.deadline, p.deadline < now() AS overdue,
    p.source_pages, p.source_chars, p.most_pages, p.error_code, p.error_message, p.parsed_key,
    false AS outdated;

-- name: abandoned_parses
-- Parses that somebody began to submit and did not finish.
SELECT parse_job_id FROM upload_pipeline.parse_jobs
WHERE status = 'submitting' AND poll_after <= now() LIMIT 1000;

-- name: complete_parse
-- Parse $1 gave $2 pages, of which $3 failed, for $4 credits; its text is at $5 with digest $6.
UPDATE upload_pipeline.parse_jobs
SET status = 'completed', ended_at = now(), pages = $2, failed_pages = $3, credits = $4,
    parsed_key = $5, parsed_sha256 = $6
WHERE parse_job_id = $1 AND status = 'submitted'
RETURNING parse_job_id;

-- name: fail_parse
-- Parse $1 failed with code $2 and message $3, for $4 credits.
UPDATE upload_pipeline.parse_jobs
SET status = 'failed', ended_at = now(), error_code = $2, error_message = $3, credits = $4
WHERE parse_job_id = $1 AND status = 'submitted'
RETURNING parse_job_id;

-- name: find_parse_by_token
-- The parse whose webhook's address has this digest.
SELECT parse_job_id, status, provider_job_id FROM upload_pipeline.parse_jobs
WHERE token_sha256 = $1;

-- name: report_parse
-- The provider says that parse $1 is over: ask at once.
UPDATE upload_pipeline.parse_jobs
SET reported_at = now(), poll_after = CASE status WHEN 'submitted' THEN now() ELSE poll_after END
WHERE parse_job_id = $1 AND status IN ('submitting', 'submitted');
