//! Whom somebody sees, and what lies between two people.

use crate::domains::users::AccountRow;
use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp, UserId};

use super::super::model::Standing;

/// Whether `viewer` may see this person.
pub async fn is_visible(conn: &mut Conn, viewer: Option<UserId>, user_id: UserId) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from visible_account($1) a where a.user_id = $2) as "visible!""#,
        viewer as _,
        user_id as _
    )
    .fetch_one(conn)
    .await?)
}

/// Those of these accounts that `viewer` may see, in no order.
pub async fn list_visible(
    conn: &mut Conn,
    viewer: Option<UserId>,
    ids: &[UserId],
) -> Result<Vec<AccountRow>> {
    Ok(sqlx::query_as!(
        AccountRow,
        r#"select a.user_id as "user_id!: _", a.username as "username!",
                  a.display_name as "display_name!", a.bio as "bio!", a.location as "location!",
                  a.website, a.role as "role!", a.state as "state!", a.version as "version!",
                  a.created_at as "created_at!: _"
           from visible_account($1) a where a.user_id = any($2)"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// What lies between `viewer` and each of these people, whoever may see whom, in no order. A mute
/// without an end lasts until `forever`; one that has ended by `now` is none.
pub async fn list_standings(
    conn: &mut Conn,
    viewer: UserId,
    ids: &[UserId],
    now: Timestamp,
    forever: Timestamp,
) -> Result<Vec<Standing>> {
    Ok(sqlx::query_as!(
        Standing,
        r#"select a.user_id as "user_id: _",
                  a.state = 'active' as "is_active!",
                  exists (
                      select from friendship f where f.user_id = $1 and f.friend_id = a.user_id
                  ) as "are_friends!",
                  r.friend_request_id as "friend_request_id?: _",
                  coalesce(r.sender_id = $1, false) as "has_asked!",
                  exists (
                      select from follow f where f.follower_id = $1 and f.followee_id = a.user_id
                  ) as "following!",
                  exists (
                      select from follow f where f.follower_id = a.user_id and f.followee_id = $1
                  ) as "followed_by!",
                  exists (
                      select from block b where b.blocker_id = $1 and b.blocked_id = a.user_id
                  ) as "blocking!",
                  exists (
                      select from block b where b.blocker_id = a.user_id and b.blocked_id = $1
                  ) as "blocked_by!",
                  (
                      select coalesce(m.until, $4) from mute m
                      where m.muter_id = $1 and m.muted_id = a.user_id
                        and (m.until is null or m.until > $3)
                  ) as "muted_until?: _",
                  (
                      select count(*)
                      from friendship mine
                      join friendship theirs
                        on theirs.user_id = a.user_id and theirs.friend_id = mine.friend_id
                      join visible_account($1) v on v.user_id = mine.friend_id
                      where mine.user_id = $1
                  ) as "mutual_friends!",
                  s.who_can_request, s.who_can_message
           from account a
           join user_settings s using (user_id)
           left join friend_request r
             on r.state = 'pending'
            and least(r.sender_id, r.recipient_id) = least($1, a.user_id)
            and greatest(r.sender_id, r.recipient_id) = greatest($1, a.user_id)
           where a.user_id = any($2)"#,
        viewer as _,
        ids as _,
        now as _,
        forever as _
    )
    .fetch_all(conn)
    .await?)
}

/// Numbers of a person, and what decides who sees them.
#[derive(Debug)]
pub struct CountsRow {
    /// Whose numbers they are.
    pub user_id: UserId,
    /// Friends.
    pub friends: i32,
    /// People who follow them.
    pub followers: i32,
    /// Public posts.
    pub posts_public: i32,
    /// Posts for friends.
    pub posts_friends: i32,
    /// Posts for a custom audience or for nobody else.
    pub posts_private: i32,
    /// Posts for a custom audience that the viewer may see.
    pub posts_custom: i64,
    /// Who may see the list of friends.
    pub who_sees_friends: String,
    /// Whether the viewer is a friend.
    pub are_friends: bool,
}

/// Numbers of these people for `viewer`, in no order.
pub async fn list_counts(
    conn: &mut Conn,
    viewer: Option<UserId>,
    ids: &[UserId],
) -> Result<Vec<CountsRow>> {
    Ok(sqlx::query_as!(
        CountsRow,
        r#"select c.user_id as "user_id: _", c.friends, c.followers, c.posts_public,
                  c.posts_friends, c.posts_private, s.who_sees_friends,
                  f.user_id is not null as "are_friends!",
                  case when f.user_id is null then 0 else (
                      select count(*) from visible_post($1) p
                      where p.author_id = c.user_id and p.audience = 'custom'
                  ) end as "posts_custom!"
           from user_counter c
           join user_settings s using (user_id)
           left join friendship f on f.user_id = $1 and f.friend_id = c.user_id
           where c.user_id = any($2)"#,
        viewer as _,
        ids as _
    )
    .fetch_all(conn)
    .await?)
}

/// Locks what may change between two people until the transaction ends. Every change of their
/// friendship, requests, follows or blocks does this first, so that two of them never interleave.
pub async fn lock_pair(conn: &mut Conn, one: UserId, other: UserId) -> Result<()> {
    let (lower, higher) = (one.min(other), one.max(other));
    sqlx::query!(
        "insert into pair (lower_id, higher_id) values ($1, $2) on conflict do nothing",
        lower as _,
        higher as _
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        "select 1 from pair where lower_id = $1 and higher_id = $2 for update",
        lower as _,
        higher as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}
