-- A page of a home feed, towards its newest post: `older.sql` the other way round.
-- Parameters: the bound (its time, its post), rows wanted, the viewer, now.
with source as materialized (
    -- Whose posts the feed holds, and as what: each kind walks the index that leaves out what such a
    -- reader could never see. An author whom the viewer may not see is left out here, so that none
    -- of their posts is looked at. `offset 0` makes it one look-up an author and never a join with
    -- all people.
    select s.author_id, s.kind
    from (
        select $4::uuid as author_id, 'own' as kind
        union all
        select f.friend_id, 'friend' from friendship f where f.user_id = $4
        union all
        select w.followee_id, 'followed'
        from follow w
        where w.follower_id = $4
          and not exists (
              select from friendship f where f.user_id = $4 and f.friend_id = w.followee_id
          )
    ) s
    where exists (select from visible_account($4) a where a.user_id = s.author_id offset 0)
      and not exists (
          select from mute m
          where m.muter_id = $4 and m.muted_id = s.author_id and (m.until is null or m.until > $5)
      )
), head as materialized (
    -- The first post of each author beyond the bound. The page holds posts of no other authors than
    -- those of the first heads.
    select s.author_id, s.kind, p.created_at, p.post_id
    from source s
    cross join lateral (
        (
            select p.created_at, p.post_id
            from visible_post($4) p
            where s.kind = 'own' and p.author_id = s.author_id
              and (p.created_at, p.post_id) > ($1, $2)
              and not exists (
                  select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
              )
            order by p.created_at asc, p.post_id asc
            limit 1
        )
        union all
        (
            select p.created_at, p.post_id
            from visible_post($4) p
            where s.kind = 'friend' and p.author_id = s.author_id and p.audience <> 'only_me'
              and (p.created_at, p.post_id) > ($1, $2)
              and not exists (
                  select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
              )
            order by p.created_at asc, p.post_id asc
            limit 1
        )
        union all
        (
            select p.created_at, p.post_id
            from visible_post($4) p
            where s.kind = 'followed' and p.author_id = s.author_id and p.audience = 'public'
              and (p.created_at, p.post_id) > ($1, $2)
              and not exists (
                  select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
              )
            order by p.created_at asc, p.post_id asc
            limit 1
        )
    ) p
    order by p.created_at asc, p.post_id asc
    limit $3
), last as materialized (
    -- With as many heads as rows are wanted, nothing beyond the last of them is on the page.
    select e.created_at, e.post_id
    from (
        (select h.created_at, h.post_id from head h order by h.created_at asc, h.post_id asc offset $3 - 1)
        union all
        select 'infinity'::timestamptz, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
    ) e
    order by e.created_at asc, e.post_id asc
    limit 1
)
select p.created_at as "created_at!: _", p.post_id as "post_id!: _"
from head h
cross join last l
cross join lateral (
    (
        select p.created_at, p.post_id
        from visible_post($4) p
        where h.kind = 'own' and p.author_id = h.author_id
          and (p.created_at, p.post_id) <= (l.created_at, l.post_id)
          and (p.created_at, p.post_id) >= (h.created_at, h.post_id)
          and not exists (
              select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
          )
        order by p.created_at asc, p.post_id asc
        limit $3
    )
    union all
    (
        select p.created_at, p.post_id
        from visible_post($4) p
        where h.kind = 'friend' and p.author_id = h.author_id and p.audience <> 'only_me'
          and (p.created_at, p.post_id) <= (l.created_at, l.post_id)
          and (p.created_at, p.post_id) >= (h.created_at, h.post_id)
          and not exists (
              select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
          )
        order by p.created_at asc, p.post_id asc
        limit $3
    )
    union all
    (
        select p.created_at, p.post_id
        from visible_post($4) p
        where h.kind = 'followed' and p.author_id = h.author_id and p.audience = 'public'
          and (p.created_at, p.post_id) <= (l.created_at, l.post_id)
          and (p.created_at, p.post_id) >= (h.created_at, h.post_id)
          and not exists (
              select from hidden_post d where d.user_id = $4 and d.post_id = p.post_id
          )
        order by p.created_at asc, p.post_id asc
        limit $3
    )
) p
order by p.created_at asc, p.post_id asc
limit $3
