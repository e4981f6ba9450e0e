-- The UPDATE that takes jobs from who lost them. They are in a CTE lost: job_id, rescues (with this one),
-- most (rescues of one job), exhausted (whether it goes to the dead letter instead of the queue).
UPDATE upload_pipeline.upload_jobs AS j
SET state = CASE WHEN l.exhausted THEN 'deadletter' ELSE 'queued' END,
    stage = CASE
        WHEN l.exhausted THEN j.stage
        ELSE upload_pipeline.durable_stage(d.parsed_key, d.generation = j.generation)
    END,
    rescue_count = l.rescues,
    run_after = now(),
    last_error = CASE
        WHEN l.exhausted THEN jsonb_build_object(
            'class', 'WorkerLost', 'code', 'worker_lost', 'stage', j.stage,
            'message', 'its worker was lost ' || l.rescues || ' times, limit ' || l.most
        )
        ELSE j.last_error
    END
FROM lost AS l, upload_pipeline.documents AS d
WHERE j.job_id = l.job_id AND d.document_id = j.document_id
