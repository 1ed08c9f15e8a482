-- What is due is claimed in this order, some of it at a time, however much waits.
create index job_order_idx on job (run_at, job_id) where failed_at is null;
drop index job_due_idx;
