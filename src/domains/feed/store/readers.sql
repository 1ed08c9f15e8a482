-- Recipients of the posts $1 by $2 each, at most $5 of a post: friends of the author, and followers if $3, who
-- have looked at their feed since $4.
select o.post_id as "post_id!: PostId", r.user_id as "user_id!: UserId"
from unnest((select $1::uuid[]), (select $2::uuid[]), (select $3::boolean[]))
     as o (post_id, author_id, followers)
cross join lateral (
    select s.user_id
    from (
        select f.friend_id as user_id from friendship f where f.user_id = o.author_id
        union
        select w.follower_id from follow w where w.followee_id = o.author_id and o.followers
    ) s
    -- Looked up one by one: joined in order of id, all readers there are would be walked through.
    cross join lateral (
        select from feed_reader r where r.user_id = s.user_id and r.read_at > $4 offset 0
    ) active
    limit $5
) r
