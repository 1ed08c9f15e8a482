-- Notifications on their way to devices and mailboxes.

-- A device that takes Web Push (RFC 8030), by the name that its client gave it.
create table push_subscription (
    user_id uuid not null references account,
    device_id text not null,
    endpoint text not null,
    p256dh bytea not null,
    auth bytea not null,
    -- The public key of ours that the browser was shown: it takes messages signed with no other.
    server_key text not null,
    -- A device that is signed out gets nothing more.
    session_id uuid not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    primary key (user_id, device_id)
);
-- One browser has one endpoint, whoever signs in there: it belongs to the last who did.
create unique index push_subscription_endpoint_key on push_subscription (md5(endpoint));

-- One row for each notification and the place that it goes to. A row that was sent waits for the next
-- thing that happens in its group. Who takes a row moves `due_at` ahead, and that is the lease: when the
-- worker dies, another takes the row, and the collapse id makes the two one notification.
create table notification_delivery (
    notification_id uuid not null references notification on delete cascade,
    channel text not null
        constraint notification_delivery_channel_check check (channel in ('email', 'push')),
    -- The device of a push; empty for mail.
    device_id text not null,
    user_id uuid not null references account,
    lane text not null constraint notification_delivery_lane_check check (lane in ('high', 'normal')),
    state text not null default 'waiting'
        constraint notification_delivery_state_check
        check (state in ('waiting', 'sent', 'cancelled', 'dead')),
    due_at timestamptz not null,
    attempts int not null default 0,
    last_error text,
    created_at timestamptz not null,
    settled_at timestamptz,
    primary key (notification_id, channel, device_id)
);
create index notification_delivery_due_idx on notification_delivery (lane, due_at) where state = 'waiting';
create index notification_delivery_dead_idx on notification_delivery (settled_at desc) where state = 'dead';
create index notification_delivery_user_id_idx on notification_delivery (user_id, device_id);
