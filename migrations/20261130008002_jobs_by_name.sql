-- What is due is looked for name by name: where one kind of job has a long backlog and no hand is free for
-- it, whoever looks for others would walk through all of it, each time.
create index job_due_idx on job (name, run_at, job_id) where failed_at is null;
drop index job_order_idx;
