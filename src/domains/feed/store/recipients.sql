-- Some recipients of a post, in order of id: friends of $1, and followers if $2, who have looked at their
-- feed since $3 (all of them if that is null), after $4, at most $5.
select s.user_id as "user_id!: UserId"
from (
    select f.friend_id as user_id from friendship f
    where f.user_id = $1 and f.friend_id > $4
    union
    select w.follower_id from follow w
    where w.followee_id = $1 and $2 and w.follower_id > $4
) s
-- Looked up one by one: joined in order of id, all readers there are would be walked through.
cross join lateral (
    select where $3::timestamptz is null
    union all
    (select from feed_reader r where r.user_id = s.user_id and r.read_at > $3 offset 0)
) active
order by s.user_id
limit $5
