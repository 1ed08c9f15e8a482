-- Conversations: who talks with whom, how far each has read, and what was said.

create table conversation (
    conversation_id uuid primary key,
    kind text not null constraint conversation_kind_check check (kind in ('direct', 'group')),
    -- The two of a direct conversation, smaller id first: any two people have one at most.
    lower_id uuid references account,
    higher_id uuid references account,
    title text,
    -- These change with every message, under this row's lock, which is what orders a conversation.
    top_seq bigint not null default 0,
    last_message_id uuid,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint conversation_direct_check check (
        case kind when 'direct' then lower_id < higher_id
                  else lower_id is null and higher_id is null end
    )
);
create unique index conversation_direct_key on conversation (lower_id, higher_id) where kind = 'direct';

-- Who is in a conversation, and how. In a direct one both have their row from the beginning: the
-- other one is `unseen` until the first message. Whoever left, or was removed, keeps what was said
-- until then; `declined` is as if there were nothing.
create table conversation_member (
    conversation_id uuid not null references conversation,
    user_id uuid not null references account,
    role text not null default 'member'
        constraint conversation_member_role_check check (role in ('owner', 'admin', 'member')),
    state text not null
        constraint conversation_member_state_check
        check (state in ('unseen', 'request', 'active', 'declined', 'left')),
    joined_at timestamptz not null,
    -- The last message that somebody sees who is no longer in, and since when they are not.
    left_seq bigint,
    left_at timestamptz,
    primary key (conversation_id, user_id),
    constraint conversation_member_left_check
        check ((state = 'left') = (left_seq is not null) and (left_seq is null) = (left_at is null))
);
create index conversation_member_user_id_idx on conversation_member (user_id, state);

-- What each member has of their own, apart from the members, because it changes with all that is
-- read. `shown_up_to` is what the others are told of `read_up_to`. All of them only move forward.
create table conversation_mark (
    conversation_id uuid not null references conversation,
    user_id uuid not null references account,
    read_up_to bigint not null default 0,
    shown_up_to bigint not null default 0,
    delivered_up_to bigint not null default 0,
    cleared_up_to bigint not null default 0,
    muted_until timestamptz,
    archived boolean not null default false,
    pinned boolean not null default false,
    primary key (conversation_id, user_id),
    constraint conversation_mark_shown_check check (shown_up_to <= read_up_to)
);

-- `seq` counts the messages of a conversation without a gap: a deleted one stays in its place,
-- without words. A system message tells what happened: `action`, and to whom, in place of words.
create table message (
    message_id uuid primary key,
    conversation_id uuid not null references conversation,
    seq bigint not null,
    author_id uuid not null references account,
    content text not null,
    action text
        constraint message_action_check
        check (action in ('created', 'titled', 'added', 'joined', 'removed', 'left')),
    subject_id uuid references account,
    reply_to_id uuid references message,
    op_id text,
    version bigint not null default 1,
    created_at timestamptz not null,
    edited_at timestamptz,
    deleted_at timestamptz,
    constraint message_conversation_id_seq_key unique (conversation_id, seq)
);

-- Which conversations are there for `viewer`? Those that they are in, are asked to or have left, but
-- not a direct one with somebody whom a block hides. In a group a block hides nothing. It is also
-- written in Rust, as `messaging::model::can_see_conversation`, and a test holds the two equal.
create function visible_conversation(viewer uuid) returns setof conversation
language sql stable as $$
    select c.*
    from conversation_member m
    join conversation c on c.conversation_id = m.conversation_id
    where m.user_id = viewer
      and m.state in ('active', 'request', 'left')
      and not exists (
          select from block b where b.blocker_id = c.lower_id and b.blocked_id = c.higher_id
      )
      and not exists (
          select from block b where b.blocker_id = c.higher_id and b.blocked_id = c.lower_id
      )
$$;

call void_on_change('conversation', 'conversation:{conversation_id}');
call void_on_change('conversation_member', 'members:{conversation_id}');
call void_on_change('conversation_mark', 'receipts:{conversation_id}', 'conversation-marks:{user_id}');
call void_on_change('message', 'message:{message_id}', 'messages:{conversation_id}');
