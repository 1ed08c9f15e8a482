-- The newest posts that a timeline holds for its reader: all that friendships and follows call for,
-- whoever may see them in the end. Walks like `older.sql`.
-- Parameters: the reader, rows wanted.
with source as materialized (
    select $1::uuid as author_id, 'own' as kind
    union all
    select f.friend_id, 'friend' from friendship f where f.user_id = $1
    union all
    select w.followee_id, 'followed'
    from follow w
    where w.follower_id = $1
      and not exists (select from friendship f where f.user_id = $1 and f.friend_id = w.followee_id)
), head as materialized (
    select s.author_id, s.kind, p.created_at, p.post_id
    from source s
    cross join lateral (
        (
            select p.created_at, p.post_id from post p
            where s.kind = 'own' and p.author_id = s.author_id and p.deleted_at is null
            order by p.created_at desc, p.post_id desc limit 1
        )
        union all
        (
            select p.created_at, p.post_id from post p
            where s.kind = 'friend' and p.author_id = s.author_id and p.deleted_at is null
              and p.audience <> 'only_me'
            order by p.created_at desc, p.post_id desc limit 1
        )
        union all
        (
            select p.created_at, p.post_id from post p
            where s.kind = 'followed' and p.author_id = s.author_id and p.deleted_at is null
              and p.audience = 'public'
            order by p.created_at desc, p.post_id desc limit 1
        )
    ) p
    order by p.created_at desc, p.post_id desc
    limit $2
), last as materialized (
    select e.created_at, e.post_id
    from (
        (select h.created_at, h.post_id from head h order by h.created_at desc, h.post_id desc offset $2 - 1)
        union all
        select '-infinity'::timestamptz, '00000000-0000-0000-0000-000000000000'::uuid
    ) e
    order by e.created_at desc, e.post_id desc
    limit 1
)
select p.created_at as "created_at!: _", p.post_id as "post_id!: _"
from head h
cross join last l
cross join lateral (
    (
        select p.created_at, p.post_id from post p
        where h.kind = 'own' and p.author_id = h.author_id and p.deleted_at is null
          and (p.created_at, p.post_id) >= (l.created_at, l.post_id)
        order by p.created_at desc, p.post_id desc limit $2
    )
    union all
    (
        select p.created_at, p.post_id from post p
        where h.kind = 'friend' and p.author_id = h.author_id and p.deleted_at is null
          and p.audience <> 'only_me'
          and (p.created_at, p.post_id) >= (l.created_at, l.post_id)
        order by p.created_at desc, p.post_id desc limit $2
    )
    union all
    (
        select p.created_at, p.post_id from post p
        where h.kind = 'followed' and p.author_id = h.author_id and p.deleted_at is null
          and p.audience = 'public'
          and (p.created_at, p.post_id) >= (l.created_at, l.post_id)
        order by p.created_at desc, p.post_id desc limit $2
    )
) p
order by p.created_at desc, p.post_id desc
limit $2
