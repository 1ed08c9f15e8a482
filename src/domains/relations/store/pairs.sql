-- Pairs of people between whom there is something, after $1 and $2 in their order, at most $3. Each part reads an
-- index from that place on; where it lists the others of a viewer by time, they are sorted viewer by viewer.
with place as materialized (
    select coalesce($1::uuid, '00000000-0000-0000-0000-000000000000') as viewer,
           coalesce($2::uuid, '00000000-0000-0000-0000-000000000000') as other
), pair as (
    (select user_id as viewer_id, friend_id as other_id from friendship
     where (user_id, friend_id) > (select viewer, other from place)
     order by user_id, friend_id limit $3)
    union
    (select follower_id, followee_id from follow
     where (follower_id, followee_id) > (select viewer, other from place)
     order by follower_id, followee_id limit $3)
    union
    (select followee_id, follower_id from follow
     where (followee_id, follower_id) > (select viewer, other from place)
       and followee_id >= (select viewer from place)
     order by followee_id, follower_id limit $3)
    union
    (select blocker_id, blocked_id from block
     where (blocker_id, blocked_id) > (select viewer, other from place)
     order by blocker_id, blocked_id limit $3)
    union
    (select blocked_id, blocker_id from block
     where (blocked_id, blocker_id) > (select viewer, other from place)
     order by blocked_id, blocker_id limit $3)
    union
    (select muter_id, muted_id from mute
     where (muter_id, muted_id) > (select viewer, other from place)
     order by muter_id, muted_id limit $3)
    union
    (select sender_id, recipient_id from friend_request
     where state = 'pending' and sender_id >= (select viewer from place)
       and (sender_id, recipient_id) > (select viewer, other from place)
     order by sender_id, recipient_id limit $3)
    union
    (select recipient_id, sender_id from friend_request
     where state = 'pending' and recipient_id >= (select viewer from place)
       and (recipient_id, sender_id) > (select viewer, other from place)
     order by recipient_id, sender_id limit $3)
)
select viewer_id as "viewer_id!: UserId", other_id as "other_id!: UserId"
from pair order by viewer_id, other_id limit $3
