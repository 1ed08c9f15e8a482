-- Reactions to anything, posts with their audiences, comments.

-- Reactions know no posts: they belong to (kind of target, id of target), and the owner of the
-- target says who may react.
create table reaction (
    target_kind text not null constraint reaction_target_kind_check check (target_kind in ('post', 'comment')),
    target_id uuid not null,
    user_id uuid not null references account,
    kind text not null
        constraint reaction_kind_check check (kind in ('like', 'love', 'care', 'haha', 'wow', 'sad', 'angry')),
    created_at timestamptz not null,
    primary key (target_kind, target_id, user_id)
);
create index reaction_list_idx on reaction (target_kind, target_id, created_at desc, user_id desc);
create index reaction_kind_list_idx on reaction (target_kind, target_id, kind, created_at desc, user_id desc);
create index reaction_user_id_idx on reaction (user_id);

create table reaction_summary (
    target_kind text not null,
    target_id uuid not null,
    kind text not null,
    count int not null constraint reaction_summary_count_check check (count >= 0),
    primary key (target_kind, target_id, kind)
);

create table post (
    post_id uuid primary key,
    author_id uuid not null references account,
    content text not null,
    audience text not null
        constraint post_audience_check check (audience in ('public', 'friends', 'only_me', 'custom')),
    -- A custom audience without an allow list is all friends. This is kept apart from the list
    -- itself, so that a list whose entries have gone means nobody and not everybody.
    allow_all_friends boolean not null default true,
    shared_post_id uuid references post,
    op_id text,
    version bigint not null default 1,
    created_at timestamptz not null,
    edited_at timestamptz,
    deleted_at timestamptz
);
-- The home feed walks an author's posts newest first: all of one's own, what friends may read, what
-- everybody may read. Posts that a reader could never see are in neither of the last two indexes.
create index post_author_idx on post (author_id, created_at desc, post_id desc) where deleted_at is null;
create index post_author_shared_idx on post (author_id, created_at desc, post_id desc)
    where deleted_at is null and audience <> 'only_me';
create index post_author_public_idx on post (author_id, created_at desc, post_id desc)
    where deleted_at is null and audience = 'public';
create index post_author_custom_idx on post (author_id) where deleted_at is null and audience = 'custom';
create index post_author_deleted_idx on post (author_id, deleted_at desc, post_id desc) where deleted_at is not null;
create index post_shared_post_id_idx on post (shared_post_id) where shared_post_id is not null;

-- Whom a custom audience allows or denies: people and circles.
create table post_audience (
    post_id uuid not null references post,
    deny boolean not null,
    user_id uuid references account,
    circle_id uuid references circle,
    constraint post_audience_one_check check (num_nonnulls(user_id, circle_id) = 1)
);
create unique index post_audience_user_key on post_audience (post_id, deny, user_id) where user_id is not null;
create unique index post_audience_circle_key on post_audience (post_id, deny, circle_id) where circle_id is not null;
-- For the rule itself, which asks by post alone; without it Postgres reads the whole table at once.
create index post_audience_post_id_idx on post_audience (post_id);

-- What a post said before each edit.
create table post_revision (
    post_id uuid not null references post,
    version bigint not null,
    content text not null,
    audience text not null,
    created_at timestamptz not null,
    primary key (post_id, version)
);

create table post_counter (
    post_id uuid primary key references post,
    comments int not null default 0 constraint post_counter_comments_check check (comments >= 0),
    shares int not null default 0 constraint post_counter_shares_check check (shares >= 0),
    views bigint not null default 0 constraint post_counter_views_check check (views >= 0)
);

create table saved_post (
    user_id uuid not null references account,
    post_id uuid not null references post,
    created_at timestamptz not null,
    primary key (user_id, post_id)
);
create index saved_post_list_idx on saved_post (user_id, created_at desc, post_id desc);

create table hidden_post (
    user_id uuid not null references account,
    post_id uuid not null references post,
    created_at timestamptz not null,
    primary key (user_id, post_id)
);

create table comment (
    comment_id uuid primary key,
    post_id uuid not null references post,
    parent_id uuid references comment,
    depth smallint not null default 0 constraint comment_depth_check check (depth between 0 and 8),
    author_id uuid not null references account,
    content text not null,
    op_id text,
    version bigint not null default 1,
    created_at timestamptz not null,
    edited_at timestamptz,
    deleted_at timestamptz
);
create index comment_post_idx on comment (post_id, created_at, comment_id) where parent_id is null;
create index comment_parent_idx on comment (parent_id, created_at, comment_id) where parent_id is not null;
create index comment_author_id_idx on comment (author_id);

create table comment_counter (
    comment_id uuid primary key references comment,
    replies int not null default 0 constraint comment_counter_replies_check check (replies >= 0)
);

-- May `viewer` see a post? The one rule of "Who sees what", used by every path that reads posts: not
-- deleted, the author active, no block either way, and the viewer is the author, or the post is
-- public, or it is for friends and the viewer is one, or it is custom and the viewer is a friend,
-- allowed and not denied (deny wins). A circle stands for its members at the time of reading.
-- `viewer` is null for somebody who is signed out. Like `visible_account` it is a set of rows, so
-- that Postgres writes it into the asking query and uses that query's indexes.
create function visible_post(viewer uuid) returns setof post
language sql stable as $$
    select p.*
    from post p
    where p.deleted_at is null
      and exists (
          select from account a where a.user_id = p.author_id and a.state = 'active'
      )
      and (
          p.author_id = viewer
          or (
              not exists (select from block b where b.blocker_id = viewer and b.blocked_id = p.author_id)
              and not exists (select from block b where b.blocked_id = viewer and b.blocker_id = p.author_id)
              and (
                  p.audience = 'public'
                  or (
                      p.audience in ('friends', 'custom')
                      and exists (
                          select from friendship f where f.user_id = viewer and f.friend_id = p.author_id
                      )
                      and (
                          p.audience = 'friends'
                          or (
                              (
                                  p.allow_all_friends
                                  or exists (
                                      select from post_audience pa
                                      where pa.post_id = p.post_id and not pa.deny
                                        and (
                                            pa.user_id = viewer
                                            or exists (
                                                select from circle_member m
                                                where m.circle_id = pa.circle_id and m.user_id = viewer
                                            )
                                        )
                                  )
                              )
                              and not exists (
                                  select from post_audience pa
                                  where pa.post_id = p.post_id and pa.deny
                                    and (
                                        pa.user_id = viewer
                                        or exists (
                                            select from circle_member m
                                            where m.circle_id = pa.circle_id and m.user_id = viewer
                                        )
                                    )
                              )
                          )
                      )
                  )
              )
          )
      )
$$;

-- May `viewer` see a comment? Where its post is seen, unless viewer and commenter block each other. A
-- deleted comment stays in its place while something below it is alive; the search for that goes
-- down through deleted ones only and ends at the first that is not.
create function visible_comment(viewer uuid) returns setof comment
language sql stable as $$
    select c.*
    from comment c
    where exists (select from visible_post(viewer) p where p.post_id = c.post_id)
      and not exists (select from block b where b.blocker_id = viewer and b.blocked_id = c.author_id)
      and not exists (select from block b where b.blocked_id = viewer and b.blocker_id = c.author_id)
      and (
          c.deleted_at is null
          or exists (
              with recursive below as (
                  select r.comment_id, r.deleted_at from comment r where r.parent_id = c.comment_id
                  union all
                  select r.comment_id, r.deleted_at
                  from below b
                  join comment r on r.parent_id = b.comment_id
                  where b.deleted_at is not null
              )
              select from below where below.deleted_at is null
          )
      )
$$;

call void_on_change('reaction', 'reactions:{target_id}', 'marks:{user_id}');
call void_on_change('reaction_summary', 'reaction-summary:{target_id}');
call void_on_change('post', 'post:{post_id}', 'author-posts:{author_id}');
call void_on_change('post_audience', 'post:{post_id}');
call void_on_change('post_revision', 'post-history:{post_id}');
call void_on_change('post_counter', 'post-counts:{post_id}');
call void_on_change('saved_post', 'marks:{user_id}');
call void_on_change('hidden_post', 'marks:{user_id}');
call void_on_change('comment', 'comment:{comment_id}', 'comments:{post_id}');
call void_on_change('comment_counter', 'comment-counts:{comment_id}');
