-- Two CTEs. held: the jobs of ($1 job ids, $2 lease tokens) that are still held by those leases. They are
-- locked until the end of the transaction, so that the leases hold until then. Everybody locks in this
-- order: the documents against deletion, their jobs, the documents for change; each in the order of ids.
kept AS MATERIALIZED (
    SELECT d.document_id FROM upload_pipeline.documents AS d
    WHERE d.document_id IN (
        SELECT j.document_id FROM upload_pipeline.upload_jobs AS j
        WHERE j.job_id = ANY($1::uuid[])
    )
    ORDER BY d.document_id FOR KEY SHARE
), held AS MATERIALIZED (
    SELECT j.job_id
    FROM upload_pipeline.upload_jobs AS j
    INNER JOIN unnest($1::uuid[], $2::uuid[]) AS b (job_id, lease_token)
        ON j.job_id = b.job_id AND j.lease_token = b.lease_token
    INNER JOIN kept ON kept.document_id = j.document_id
    WHERE j.state = 'working'
    ORDER BY j.job_id FOR UPDATE OF j
)
