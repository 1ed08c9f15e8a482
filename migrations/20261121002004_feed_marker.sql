-- The newest post of the home feed that a person has seen. It only moves forward.

create table feed_marker (
    user_id uuid primary key references account,
    post_id uuid not null references post,
    -- The post's own.
    created_at timestamptz not null,
    updated_at timestamptz not null
);

call void_on_change('feed_marker', 'feed-marker:{user_id}');
