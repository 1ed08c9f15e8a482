//! All SQL of the numbers.

use chrono::TimeDelta;
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
pub async fn load_stats(conn: &mut Conn, now: Timestamp) -> Result<Stats> {
    Ok(sqlx::query_as!(
        Stats,
        r#"select
               (select count(*) from account where state = 'active') as "people!",
               (select count(distinct s.user_id) from session s
                where s.last_active_at > $2) as "active_day!",
               (select count(distinct s.user_id) from session s
                where s.last_active_at > $3) as "active_week!",
               (select count(*) from post where deleted_at is null) as "posts!",
               (select count(*) from comment where deleted_at is null) as "comments!",
               (select count(*) from reaction) as "reactions!",
               (select count(*) from friendship where user_id < friend_id) as "friendships!",
               (select count(*) from session s
                where s.revoked_at is null and s.expires_at > $1) as "sessions!",
               $1::timestamptz as "counted_at!: _""#,
        now as _,
        (now - TimeDelta::days(1)) as _,
        (now - TimeDelta::days(7)) as _
    )
    .fetch_one(conn)
    .await?)
}
