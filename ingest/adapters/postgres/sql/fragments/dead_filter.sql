-- Dead-lettered jobs (j, of documents d) of tenant $1; narrowed by code $2, classes $3, dead for at
-- least $4 and at most $5, and text $6 in message or filename.
j.tenant_id = $1 AND j.state = 'deadletter'
    AND ($2::text IS NULL OR j.last_error ->> 'code' = $2)
    AND ($3::text[] IS NULL OR j.last_error ->> 'class' = ANY($3))
    AND ($4::interval IS NULL OR j.finished_at <= now() - $4)
    AND ($5::interval IS NULL OR j.finished_at >= now() - $5)
    AND (
        $6::text IS NULL
        OR strpos(lower(j.last_error ->> 'message'), lower($6)) > 0
        OR strpos(lower(d.filename), lower($6)) > 0
    )
