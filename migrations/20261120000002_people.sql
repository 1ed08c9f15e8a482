-- People: the public account, its settings and counters; how they sign in; their sessions.

create table account (
    user_id uuid primary key,
    -- Stored in lower case, so that equality is case-insensitive without a function.
    username text not null constraint account_username_key unique
        constraint account_username_check check (username ~ '^[a-z0-9_.]{3,30}$'),
    display_name text not null,
    bio text not null default '',
    location text not null default '',
    website text,
    role text not null default 'user'
        constraint account_role_check check (role in ('user', 'moderator', 'admin')),
    state text not null default 'active'
        constraint account_state_check check (state in ('active', 'suspended', 'deleted')),
    suspended_until timestamptz,
    suspended_reason text,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    deleted_at timestamptz
);
-- Prefix and fuzzy search of people. `lower(display_name)` has an index of its own for prefixes.
create index account_search_idx on account using gin (username gin_trgm_ops, lower(display_name) gin_trgm_ops);
create index account_username_prefix_idx on account (username text_pattern_ops);
create index account_display_name_prefix_idx on account (lower(display_name) text_pattern_ops);

-- For the job that lifts suspensions every minute.
create index account_suspended_until_idx on account (suspended_until) where state = 'suspended';

-- A name that somebody gave up leads to them for 90 days and is nobody else's meanwhile.
create table former_username (
    username text primary key,
    user_id uuid not null references account,
    released_at timestamptz not null
);
create index former_username_user_id_idx on former_username (user_id);

create table user_settings (
    user_id uuid primary key references account,
    default_audience text not null default 'friends'
        constraint user_settings_default_audience_check check (default_audience in ('public', 'friends', 'only_me')),
    who_can_request text not null default 'everyone'
        constraint user_settings_who_can_request_check check (who_can_request in ('everyone', 'friends_of_friends', 'nobody')),
    who_can_message text not null default 'everyone'
        constraint user_settings_who_can_message_check check (who_can_message in ('everyone', 'friends', 'nobody')),
    who_sees_friends text not null default 'friends'
        constraint user_settings_who_sees_friends_check check (who_sees_friends in ('public', 'friends', 'only_me')),
    searchable boolean not null default true,
    show_presence boolean not null default true,
    show_last_active boolean not null default true,
    read_receipts boolean not null default true,
    suggestions boolean not null default true,
    email_digest text not null default 'off'
        constraint user_settings_email_digest_check check (email_digest in ('off', 'daily', 'weekly')),
    language text not null default 'en',
    time_zone text not null default 'UTC',
    client jsonb not null default '{}',
    version bigint not null default 1,
    updated_at timestamptz not null
);

-- Counters have a table of their own, so that counting touches no row that others show. Posts are
-- counted by audience: whoever may not see a kind of post does not see its count either.
create table user_counter (
    user_id uuid primary key references account,
    friends int not null default 0 constraint user_counter_friends_check check (friends >= 0),
    followers int not null default 0 constraint user_counter_followers_check check (followers >= 0),
    following int not null default 0 constraint user_counter_following_check check (following >= 0),
    posts_public int not null default 0 constraint user_counter_posts_public_check check (posts_public >= 0),
    posts_friends int not null default 0 constraint user_counter_posts_friends_check check (posts_friends >= 0),
    posts_private int not null default 0 constraint user_counter_posts_private_check check (posts_private >= 0)
);

create table credential (
    user_id uuid primary key references account,
    email text not null,
    email_verified_at timestamptz,
    password_hash text not null,
    password_changed_at timestamptz not null
);
create unique index credential_email_key on credential (lower(email));

-- A signed-in device. It ends 30 days after its last use and 180 days after its beginning.
create table session (
    session_id uuid primary key,
    user_id uuid not null references account,
    device_id text,
    device_name text,
    address text not null,
    user_agent text not null,
    created_at timestamptz not null,
    last_active_at timestamptz not null,
    reauthenticated_at timestamptz not null,
    expires_at timestamptz not null,
    ends_at timestamptz not null,
    revoked_at timestamptz,
    revoked_reason text
);
create index session_user_id_idx on session (user_id, last_active_at desc) where revoked_at is null;
-- For the job that deletes what ended long ago.
create index session_expires_at_idx on session (expires_at);
create index session_revoked_at_idx on session (revoked_at) where revoked_at is not null;

-- Every refresh token of a session's family, as a hash. One of them at most is unused.
create table refresh_token (
    token_hash bytea primary key,
    session_id uuid not null references session on delete cascade,
    issued_at timestamptz not null,
    used_at timestamptz
);
create index refresh_token_session_id_idx on refresh_token (session_id);

-- One-time tokens in mails, as hashes.
create table mail_token (
    token_hash bytea primary key,
    user_id uuid not null references account,
    purpose text not null constraint mail_token_purpose_check check (purpose in ('verify_email', 'reset_password')),
    email text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index mail_token_user_id_idx on mail_token (user_id, purpose);

-- What happened to an account: sign-ins, refusals, changes. The last 100 a person are kept.
create table security_event (
    security_event_id uuid primary key,
    user_id uuid not null references account,
    kind text not null,
    address text not null,
    user_agent text not null,
    session_id uuid,
    created_at timestamptz not null
);
create index security_event_user_id_idx on security_event (user_id, created_at desc, security_event_id desc);

call void_on_change('account', 'user:{user_id}', 'username:{username}', 'user-sessions:{user_id}');
call void_on_change('former_username', 'username:{username}');
call void_on_change('user_settings', 'settings:{user_id}');
call void_on_change('user_counter', 'user-counts:{user_id}');
call void_on_change('credential', 'me:{user_id}');
call void_on_change('session', 'session:{session_id}');
