-- News of what happened, written by the transaction in which it happened. The dispatcher makes a job
-- of it for each handler, and says so here in that same transaction, so each handler gets its job
-- once. Delivered rows stay for an hour, for somebody who looks for what went through.
create table outbox (
    outbox_id bigint generated always as identity primary key,
    event text not null,
    payload jsonb not null,
    created_at timestamptz not null,
    delivered_at timestamptz
);
create index outbox_undelivered_idx on outbox (outbox_id) where delivered_at is null;
create index outbox_delivered_at_idx on outbox (delivered_at) where delivered_at is not null;
