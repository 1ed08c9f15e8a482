-- When a worker took the row; null while nobody has it, so that whoever wants a job run at once does
-- not take it from under a worker's hands.
alter table job add column taken_at timestamptz;
-- Attempts before the job last saved its progress: only those since then count towards its last one.
alter table job add column attempts_before int not null default 0;
-- Whether the payload is such progress, and no longer what the job was queued with.
alter table job add column resumed boolean not null default false;
