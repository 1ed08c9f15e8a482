-- Fencing tokens: each holder of a lock gets a higher one than every holder before it. They come from
-- Postgres and not from Redis, because a Redis that was emptied or restored would give the same ones
-- out again.
create sequence lock_token;

-- The highest token under which a lock's work was written. A guarded write raises it in its own
-- transaction; whoever comes with a lower one has lost the lock and is refused.
create table lock_fence (
    name text primary key,
    token bigint not null
);
