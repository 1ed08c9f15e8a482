//! All SQL of the numbers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::infra::db::Conn;
use crate::kernel::{Result, Timestamp};

/// Numbers of the whole instance at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    /// Active accounts.
    pub people: i64,
    /// People who used a session in the last 24 hours.
    pub active_day: i64,
    /// People who used a session in the last 7 days.
    pub active_week: i64,
    /// Posts that are not deleted.
    pub posts: i64,
    /// Comments that are not deleted.
    pub comments: i64,
    /// Reactions to posts and comments.
    pub reactions: i64,
    /// Pairs of friends.
    pub friendships: i64,
    /// Sessions that are alive.
    pub sessions: i64,
    /// When this was counted.
    #[schema(value_type = String, format = DateTime)]
    pub counted_at: Timestamp,
}

/// Counts everything. It reads whole tables, so it is not for every request.
pub async fn load_stats(conn: &mut Conn) -> Result<Stats> {
    Ok(sqlx::query_as!(
        Stats,
        r#"select
               (select count(*) from account where state = 'active') as "people!",
               (select count(distinct s.user_id) from session s
                where s.last_active_at > now() - interval '1 day') as "active_day!",
               (select count(distinct s.user_id) from session s
                where s.last_active_at > now() - interval '7 days') as "active_week!",
               (select count(*) from post where deleted_at is null) as "posts!",
               (select count(*) from comment where deleted_at is null) as "comments!",
               (select count(*) from reaction where target_kind in ('post', 'comment')) as "reactions!",
               (select count(*) from friendship where user_id < friend_id) as "friendships!",
               (select count(*) from session s
                where s.revoked_at is null and s.expires_at > now()) as "sessions!",
               now() as "counted_at!: _""#
    )
    .fetch_one(conn)
    .await?)
}
