-- What a person should know of. One row of `notification` is a group, such as "reactions to this post";
-- one row of `notification_item` is one thing that somebody did. Neither holds any content, and whether
-- it may be seen is judged at each read, by the rules for people, posts and comments.
--
-- Read and seen are instants up to which a person has looked, not flags: a group is unread as long as
-- its newest item is later. So taking a reaction back makes a group read again that was read before,
-- and marking everything is one small row, however much there is.

create table notification (
    notification_id uuid primary key,
    user_id uuid not null references account,
    kind text not null
        constraint notification_kind_check check (kind in (
            'friend_request', 'friend_accepted', 'comment', 'reply', 'reaction', 'mention', 'share',
            'message_request', 'group_invitation')),
    group_key text not null,
    post_id uuid,
    comment_id uuid,
    conversation_id uuid,
    -- Different people among the items.
    actor_count int not null default 0
        constraint notification_actor_count_check check (actor_count >= 0),
    read_up_to timestamptz,
    created_at timestamptz not null,
    -- When its newest item happened.
    updated_at timestamptz not null
);
create unique index notification_user_id_group_key_key on notification (user_id, group_key);
create index notification_list_idx on notification (user_id, updated_at desc, notification_id desc);
create index notification_updated_at_idx on notification (updated_at);
create index notification_comment_id_idx on notification (comment_id) where comment_id is not null;

create table notification_item (
    notification_item_id uuid primary key,
    notification_id uuid not null references notification on delete cascade,
    user_id uuid not null references account,
    actor_id uuid not null references account,
    -- The comment, the share, the request or what was reacted to.
    source_id uuid not null,
    created_at timestamptz not null
);
-- A handler that runs twice finds its item there.
create unique index notification_item_source_key on notification_item (notification_id, actor_id, source_id);
create index notification_item_newest_idx
    on notification_item (notification_id, created_at desc, notification_item_id desc);
create index notification_item_list_idx
    on notification_item (user_id, created_at desc, notification_item_id desc);
create index notification_item_source_id_idx on notification_item (source_id, actor_id);

-- How far a person has looked at all of them.
create table notification_marker (
    user_id uuid primary key references account,
    seen_up_to timestamptz,
    read_up_to timestamptz
);

-- Where a person departs from what holds by default.
create table notification_preference (
    user_id uuid not null references account,
    kind text not null,
    channel text not null
        constraint notification_preference_channel_check check (channel in ('in_app', 'email', 'push')),
    is_on boolean not null,
    primary key (user_id, kind, channel)
);

call void_on_change('notification', 'notifications:{user_id}');
call void_on_change('notification_item', 'notifications:{user_id}');
call void_on_change('notification_marker', 'notification-marks:{user_id}');
call void_on_change('notification_preference', 'notification-marks:{user_id}');
