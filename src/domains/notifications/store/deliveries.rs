//! The queue of deliveries.

use crate::domains::notifications::model::{Channel, DeliveryState, Lane};
use crate::infra::db::Conn;
use crate::kernel::{NotificationId, Result, Timestamp, UserId};

/// When deliveries of a new notification are due.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// On devices.
    pub push: Timestamp,
    /// In the mailbox.
    pub email: Timestamp,
}

/// Sends a notification on its way: to each device of its person on which somebody is signed in, if `push`, and to
/// their mailbox if `email`. What waits already is due when it was; what a worker has taken meanwhile goes out once more.
pub async fn enqueue_deliveries(
    conn: &mut Conn,
    (notification_id, user_id): (NotificationId, UserId),
    lane: Lane,
    (push, email): (bool, bool),
    due: Due,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "insert into notification_delivery as d
                (notification_id, channel, device_id, user_id, lane, due_at, created_at)
         select $1::uuid, 'push', s.device_id, $2::uuid, $3::text, $6::timestamptz,
                $8::timestamptz
         from push_subscription s
         where s.user_id = $2 and $4::boolean and exists (
             select from session d
             where d.user_id = $2 and (d.session_id = s.session_id or d.device_id = s.device_id)
               and d.revoked_at is null and d.expires_at > $8)
         union all
         select $1, 'email', '', $2, $3, $7::timestamptz, $8 where $5::boolean
         on conflict (notification_id, channel, device_id) do update
         set state = 'waiting', created_at = excluded.created_at,
             due_at = case d.state when 'waiting' then d.due_at else excluded.due_at end,
             lane = case d.state when 'waiting' then d.lane else excluded.lane end,
             attempts = case d.state when 'waiting' then d.attempts else 0 end,
             last_error = case d.state when 'waiting' then d.last_error end, settled_at = null",
        notification_id as _,
        user_id as _,
        lane.as_str(),
        push,
        email,
        due.push as _,
        due.email as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that a worker has taken.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The notification.
    pub notification_id: NotificationId,
    /// On which way.
    pub channel: Channel,
    /// The device of a push.
    pub device_id: String,
    /// Whose it is.
    pub user_id: UserId,
    /// Which queue.
    pub lane: Lane,
    /// How often it was taken, this time included.
    pub attempts: i32,
    /// When it was last sent on its way.
    pub created_at: Timestamp,
}

/// Takes at most `limit` deliveries of a lane that are due, first those that have been so longest,
/// until the end of the lease: the second of the two times, of which the first is now. None is for `full`.
pub async fn take_deliveries(
    conn: &mut Conn,
    lane: Lane,
    limit: i64,
    (now, lease_end): (Timestamp, Timestamp),
    full: &[UserId],
) -> Result<Vec<Taken>> {
    Ok(sqlx::query_as!(
        Taken,
        r#"with due as (
               select notification_id, channel, device_id from notification_delivery
               where state = 'waiting' and lane = $1 and due_at <= $3 and user_id <> all($5)
               order by due_at limit $2
               for update skip locked
           )
           update notification_delivery d
           set due_at = $4, attempts = d.attempts + 1
           from due
           where d.notification_id = due.notification_id and d.channel = due.channel
             and d.device_id = due.device_id
           returning d.notification_id as "notification_id: _", d.channel as "channel: _",
                     d.device_id, d.user_id as "user_id: _", d.lane as "lane: _", d.attempts,
                     d.created_at as "created_at: _""#,
        lane.as_str(),
        limit,
        now as _,
        lease_end as _,
        full as _
    )
    .fetch_all(conn)
    .await?)
}

/// Ends a delivery in this state, unless another worker has taken it since. What was sent
/// on its way meanwhile waits and is due at once: there is more to tell than was told.
pub async fn settle_delivery(
    conn: &mut Conn,
    taken: &Taken,
    state: DeliveryState,
    error: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update notification_delivery
         set state = case when created_at = $8 then $5 else 'waiting' end,
             due_at = case when created_at = $8 then due_at else $7 end,
             settled_at = case when created_at = $8 then $7 end,
             last_error = $6
         where notification_id = $1 and channel = $2 and device_id = $3
           and attempts = $4 and state = 'waiting'",
        taken.notification_id as _,
        taken.channel.as_str(),
        taken.device_id,
        taken.attempts,
        state.as_str(),
        error,
        now as _,
        taken.created_at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has a delivery taken again at `due_at`, unless another worker has taken it since.
pub async fn postpone_delivery(
    conn: &mut Conn,
    taken: &Taken,
    due_at: Timestamp,
    error: &str,
) -> Result<()> {
    sqlx::query!(
        "update notification_delivery set due_at = $5, last_error = $6
         where notification_id = $1 and channel = $2 and device_id = $3
           and attempts = $4 and state = 'waiting'",
        taken.notification_id as _,
        taken.channel.as_str(),
        taken.device_id,
        taken.attempts,
        due_at as _,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has a delivery that was taken and not tried taken again at `due_at`, unless another worker has taken it
/// since: it has not been attempted.
pub async fn put_back_delivery(conn: &mut Conn, taken: &Taken, due_at: Timestamp) -> Result<()> {
    sqlx::query!(
        "update notification_delivery set due_at = $5, attempts = attempts - 1
         where notification_id = $1 and channel = $2 and device_id = $3
           and attempts = $4 and state = 'waiting'",
        taken.notification_id as _,
        taken.channel.as_str(),
        taken.device_id,
        taken.attempts,
        due_at as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many deliveries of a lane and a channel are in a state.
#[derive(Debug)]
pub struct DeliveryCount {
    /// Which queue.
    pub lane: Lane,
    /// On which way.
    pub channel: Channel,
    /// How they stand.
    pub state: DeliveryState,
    /// How many.
    pub count: i64,
    /// When the one is due that is due first.
    pub first_due_at: Option<Timestamp>,
}

/// The whole queue in numbers.
pub async fn count_deliveries(conn: &mut Conn) -> Result<Vec<DeliveryCount>> {
    Ok(sqlx::query_as!(
        DeliveryCount,
        r#"select lane as "lane: _", channel as "channel: _", state as "state: _",
                  count(*) as "count!",
                  min(due_at) filter (where state = 'waiting') as "first_due_at: _"
           from notification_delivery group by lane, channel, state
           order by lane, channel, state"#
    )
    .fetch_all(conn)
    .await?)
}

/// A delivery that failed as often as it may.
#[derive(Debug)]
pub struct DeadRow {
    /// The notification.
    pub notification_id: NotificationId,
    /// Whose it is.
    pub user_id: UserId,
    /// On which way.
    pub channel: Channel,
    /// Which queue.
    pub lane: Lane,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was given up.
    pub settled_at: Option<Timestamp>,
}

/// The deliveries that were given up last.
pub async fn list_dead(conn: &mut Conn, limit: i64) -> Result<Vec<DeadRow>> {
    Ok(sqlx::query_as!(
        DeadRow,
        r#"select notification_id as "notification_id: _", user_id as "user_id: _",
                  channel as "channel: _", lane as "lane: _", attempts, last_error, settled_at as "settled_at: _"
           from notification_delivery where state = 'dead'
           order by settled_at desc limit $1"#,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Gives every dead delivery another life; says how many there were.
pub async fn revive_dead(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "update notification_delivery
         set state = 'waiting', attempts = 0, due_at = $1, settled_at = null
         where state = 'dead'",
        now as _
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
