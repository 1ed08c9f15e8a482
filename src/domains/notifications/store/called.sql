-- Who is called by the names $2, each beside the post among $1 that its text is, or is on, and may see that post.
select c.post_id as "post_id!: PostId", a.user_id as "user_id!: UserId"
from unnest((select $1::uuid[]), (select $2::text[])) as c (post_id, name)
-- Looked up one by one: joined in order of id, everybody would be walked through.
cross join lateral (
    select user_id from account where username = c.name and state = 'active' limit 1
) a
where exists (select from visible_post(a.user_id) p where p.post_id = c.post_id)
order by a.user_id
