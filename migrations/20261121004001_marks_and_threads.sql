-- What the cache asks of content: a person's newest reactions, and comments without a viewer.

-- The newest targets of a person's reactions; it also serves what `reaction_user_id_idx` served.
create index reaction_user_id_target_id_idx on reaction (user_id, target_id desc);
drop index reaction_user_id_idx;

-- The comments that are there for anybody: those that are not deleted, and deleted ones that stand
-- in their place because something below them is alive. The search for that goes down through
-- deleted ones only and ends at the first that is not.
create function standing_comment() returns setof comment
language sql stable as $$
    select c.*
    from comment c
    where c.deleted_at is null
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
$$;

-- May `viewer` see a comment? Where its post is seen, unless viewer and commenter block each other,
-- as long as it is there.
create or replace function visible_comment(viewer uuid) returns setof comment
language sql stable as $$
    select c.*
    from standing_comment() c
    where exists (select from visible_post(viewer) p where p.post_id = c.post_id)
      and not exists (select from block b where b.blocker_id = viewer and b.blocked_id = c.author_id)
      and not exists (select from block b where b.blocked_id = viewer and b.blocker_id = c.author_id)
$$;
