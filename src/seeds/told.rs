//! What small data sets have told their people: made of the rows themselves, so that the same set gives
//! the same notifications.

use super::dataset::Dataset;
use crate::infra::db::Conn;
use crate::kernel::UserId;

/// Larger sets are for measuring and tell nobody anything.
const MOST_PEOPLE: usize = 1_000;

/// Tells the people of a data set what happened to them in its last two weeks. All but the last three
/// days of it is read.
pub async fn tell(conn: &mut Conn, data: &Dataset) -> sqlx::Result<()> {
    if data.accounts.len() > MOST_PEOPLE {
        return Ok(());
    }
    let people: Vec<UserId> = data.accounts.iter().map(|account| account.id).collect();
    sqlx::query!(
        "with happened as (
             select p.author_id as user_id, 'reaction' as kind, p.post_id, r.user_id as actor_id,
                    p.post_id as source_id, r.created_at as at, 'post:' || p.post_id as about
             from reaction r join post p on p.post_id = r.target_id and p.deleted_at is null
             where r.target_kind = 'post'
             union all
             select coalesce(parent.author_id, p.author_id),
                    case when parent.comment_id is null then 'comment' else 'reply' end,
                    p.post_id, c.author_id, c.comment_id, c.created_at,
                    case when parent.comment_id is null then 'post:' || p.post_id
                         else 'comment:' || parent.comment_id end
             from comment c
             join post p on p.post_id = c.post_id and p.deleted_at is null
             left join comment parent
                  on parent.comment_id = c.parent_id and parent.deleted_at is null
             where c.deleted_at is null
             union all
             select recipient_id, 'friend_request', null, sender_id, friend_request_id, created_at,
                    friend_request_id::text
             from friend_request where state = 'pending'
         ), late as (
             select *, kind || ':' || about as group_key,
                    md5(user_id || kind || about)::uuid as notification_id
             from happened
             where user_id = any($1) and user_id <> actor_id
               and at > (select max(at) from happened) - interval '14 days'
         ), grouped as (
             insert into notification (notification_id, user_id, kind, group_key, post_id,
                                       actor_count, created_at, updated_at)
             select notification_id, user_id, kind, group_key, post_id,
                    count(distinct actor_id), min(at), max(at)
             from late group by notification_id, user_id, kind, group_key, post_id
         ), looked as (
             insert into notification_marker (user_id, seen_up_to, read_up_to)
             select user_id, max(at) - interval '2 days', max(at) - interval '3 days'
             from late group by user_id
         )
         insert into notification_item
                (notification_item_id, notification_id, user_id, actor_id, source_id, created_at)
         select md5(notification_id || actor_id::text || source_id)::uuid, notification_id, user_id,
                actor_id, source_id, at
         from late",
        &people as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
