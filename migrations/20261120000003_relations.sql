-- Who is who to whom: friends, requests, follows, blocks, mutes, circles.

-- One row for each pair of people between whom something may change, smaller id first. Every change
-- of friendship, request or block locks it, so that two of them never interleave.
create table pair (
    lower_id uuid not null references account,
    higher_id uuid not null references account,
    primary key (lower_id, higher_id),
    constraint pair_order_check check (lower_id < higher_id)
);

-- Two rows a friendship, one for each side: every question is "the friends of one".
create table friendship (
    user_id uuid not null references account,
    friend_id uuid not null references account,
    created_at timestamptz not null,
    primary key (user_id, friend_id),
    constraint friendship_other_check check (user_id <> friend_id)
);

create table friend_request (
    friend_request_id uuid primary key,
    sender_id uuid not null references account,
    recipient_id uuid not null references account,
    state text not null default 'pending'
        constraint friend_request_state_check check (state in ('pending', 'accepted', 'declined', 'cancelled')),
    seen_at timestamptz,
    created_at timestamptz not null,
    decided_at timestamptz,
    constraint friend_request_other_check check (sender_id <> recipient_id)
);
create unique index friend_request_pending_key
    on friend_request (least(sender_id, recipient_id), greatest(sender_id, recipient_id))
    where state = 'pending';
create index friend_request_incoming_idx on friend_request (recipient_id, created_at desc, friend_request_id desc)
    where state = 'pending';
create index friend_request_outgoing_idx on friend_request (sender_id, created_at desc, friend_request_id desc)
    where state = 'pending';

create table follow (
    follower_id uuid not null references account,
    followee_id uuid not null references account,
    created_at timestamptz not null,
    primary key (follower_id, followee_id),
    constraint follow_other_check check (follower_id <> followee_id)
);
create index follow_followers_idx on follow (followee_id, created_at desc, follower_id desc);
create index follow_following_idx on follow (follower_id, created_at desc, followee_id desc);

create table block (
    blocker_id uuid not null references account,
    blocked_id uuid not null references account,
    created_at timestamptz not null,
    primary key (blocker_id, blocked_id),
    constraint block_other_check check (blocker_id <> blocked_id)
);
create index block_blocked_idx on block (blocked_id, blocker_id);
create index block_list_idx on block (blocker_id, created_at desc, blocked_id desc);

create table mute (
    muter_id uuid not null references account,
    muted_id uuid not null references account,
    until timestamptz,
    created_at timestamptz not null,
    primary key (muter_id, muted_id),
    constraint mute_other_check check (muter_id <> muted_id)
);
create index mute_list_idx on mute (muter_id, created_at desc, muted_id desc);

-- A private list of friends. A deleted circle leaves the lists of its owner but goes on standing for
-- its members in the audiences that name it: deleting one must never widen a post.
create table circle (
    circle_id uuid primary key,
    owner_id uuid not null references account,
    name text not null,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);
create unique index circle_owner_name_key on circle (owner_id, lower(name)) where deleted_at is null;

create table circle_member (
    circle_id uuid not null references circle,
    user_id uuid not null references account,
    created_at timestamptz not null,
    primary key (circle_id, user_id)
);
create index circle_member_user_id_idx on circle_member (user_id);

-- People whom somebody does not want suggested again.
create table suggestion_dismissal (
    user_id uuid not null references account,
    dismissed_id uuid not null references account,
    created_at timestamptz not null,
    primary key (user_id, dismissed_id)
);

-- May `viewer` see the person `target`? The one rule, also written in Rust as
-- `relations::model::can_see_person`, and a test holds the two equal: the target is active and
-- neither has blocked the other. `viewer` is null for somebody who is signed out.
-- It is a set of rows and not a yes or no, so that Postgres writes it into the query that asks.
create function visible_account(viewer uuid) returns setof account
language sql stable as $$
    select a.*
    from account a
    where a.state = 'active'
      and not exists (select from block b where b.blocker_id = viewer and b.blocked_id = a.user_id)
      and not exists (select from block b where b.blocked_id = viewer and b.blocker_id = a.user_id)
$$;

call void_on_change('friendship', 'friends:{user_id}', 'relations:{user_id}');
call void_on_change('friend_request', 'relations:{sender_id}', 'relations:{recipient_id}', 'friend-requests:{recipient_id}');
call void_on_change('follow', 'relations:{follower_id}', 'relations:{followee_id}', 'followers:{followee_id}');
call void_on_change('block', 'relations:{blocker_id}', 'relations:{blocked_id}');
call void_on_change('mute', 'relations:{muter_id}');
call void_on_change('circle', 'circles:{owner_id}', 'circle:{circle_id}');
call void_on_change('circle_member', 'circle:{circle_id}');
