-- Takes at most $4 rows that are due at $1, the oldest first, until $5: of the jobs named $2, each looked for by
-- itself and from its instant in $6 on, and of the periodic rows $3.
with queued as materialized (
    select one.* from unnest((select $2::text[]), (select $6::timestamptz[])) as known (name, since)
    cross join lateral (
        select job_id, run_at from job
        where job.name = known.name and failed_at is null and run_at >= known.since and run_at <= $1
        order by run_at, job_id
        limit $4
        for update skip locked
    ) as one
), periodic as materialized (
    -- By their ids alone: the index of what is due would be walked to its end for each of them.
    select job_id, run_at from job
    where job_id = any(array(select unnest($3::uuid[])))
          and case when failed_at is null then run_at <= $1 else false end
    for update skip locked
), due as (
    select job_id, run_at from queued
    union
    select job_id, run_at from periodic
    order by run_at, job_id limit $4
)
update job
set run_at = $5, attempts = attempts + 1, taken_at = $1
from due
where job.job_id = due.job_id
returning job.job_id as "id: JobId", name, payload, attempts,
          attempts - attempts_before as "tries!", resumed, due.run_at as "due_at!: Timestamp"
