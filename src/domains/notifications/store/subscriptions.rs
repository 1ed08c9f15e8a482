//! Devices that take push.

use crate::infra::db::Conn;
use crate::kernel::{Result, SessionId, Timestamp, UserId};

/// Most devices of one person.
pub const MOST_DEVICES: i64 = 20;

/// Where a device is pushed to, and its keys.
#[derive(Debug, Clone)]
pub struct SubscriptionRow {
    /// The address at its push service.
    pub endpoint: String,
    /// Its public key.
    pub p256dh: Vec<u8>,
    /// Its authentication secret.
    pub auth: Vec<u8>,
    /// The public key of ours that it was subscribed with.
    pub server_key: String,
}

/// A person's device, if it takes push and somebody is signed in on it: in the session that subscribed
/// it, or in a later one of the same device.
pub async fn find_subscription(
    conn: &mut Conn,
    user_id: UserId,
    device_id: &str,
    now: Timestamp,
) -> Result<Option<SubscriptionRow>> {
    Ok(sqlx::query_as!(
        SubscriptionRow,
        "select p.endpoint, p.p256dh, p.auth, p.server_key from push_subscription p
         where p.user_id = $1 and p.device_id = $2 and exists (
             select from session s
             where s.user_id = $1 and (s.session_id = p.session_id or s.device_id = $2)
               and s.revoked_at is null and s.expires_at > $3)",
        user_id as _,
        device_id,
        now as _
    )
    .fetch_optional(conn)
    .await?)
}

/// Subscribes a device, or changes its subscription; whoever had the endpoint before has it no more.
pub async fn upsert_subscription(
    conn: &mut Conn,
    user_id: UserId,
    (session_id, device_id): (SessionId, &str),
    row: &SubscriptionRow,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "delete from push_subscription
         where md5(endpoint) = md5($3) and not (user_id = $1 and device_id = $2)",
        user_id as _,
        device_id,
        row.endpoint
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into push_subscription
                (user_id, device_id, endpoint, p256dh, auth, server_key, session_id, created_at,
                 updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
         on conflict (user_id, device_id) do update
         set endpoint = excluded.endpoint, p256dh = excluded.p256dh, auth = excluded.auth,
             server_key = excluded.server_key, session_id = excluded.session_id,
             updated_at = excluded.updated_at",
        user_id as _,
        device_id,
        row.endpoint,
        row.p256dh,
        row.auth,
        row.server_key,
        session_id as _,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets go of the devices that subscribed longest ago, beyond what one person may have.
pub async fn trim_subscriptions(conn: &mut Conn, user_id: UserId) -> Result<()> {
    sqlx::query!(
        "delete from push_subscription s where s.user_id = $1 and s.device_id in (
             select device_id from push_subscription where user_id = $1
             order by updated_at desc, device_id offset $2)",
        user_id as _,
        MOST_DEVICES
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends the subscription of a device, with what is on its way there.
pub async fn delete_subscription(conn: &mut Conn, user_id: UserId, device_id: &str) -> Result<()> {
    sqlx::query!(
        "with gone as (
             delete from notification_delivery
             where user_id = $1 and device_id = $2 and channel = 'push'
         )
         delete from push_subscription where user_id = $1 and device_id = $2",
        user_id as _,
        device_id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends those subscriptions of a person that were last set before `before`; all of them without it.
pub async fn delete_subscriptions(
    conn: &mut Conn,
    user_id: UserId,
    before: Option<Timestamp>,
) -> Result<()> {
    sqlx::query!(
        "delete from push_subscription
         where user_id = $1 and ($2::timestamptz is null or updated_at < $2)",
        user_id as _,
        before as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends some subscriptions of devices on which nobody has been signed in since `before`; says how many.
pub async fn trim_idle_subscriptions(
    conn: &mut Conn,
    before: Timestamp,
    limit: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "delete from push_subscription where (user_id, device_id) in (
             select p.user_id, p.device_id from push_subscription p
             where p.updated_at < $1 and not exists (
                 select from session s
                 where s.user_id = p.user_id
                   and (s.session_id = p.session_id or s.device_id = p.device_id)
                   and s.expires_at >= $1 and (s.revoked_at is null or s.revoked_at >= $1))
             limit $2)",
        before as _,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Ends the subscription that the push service no longer knows, unless the device has another
/// endpoint by now.
pub async fn delete_endpoint(
    conn: &mut Conn,
    user_id: UserId,
    device_id: &str,
    endpoint: &str,
) -> Result<()> {
    sqlx::query!(
        "delete from push_subscription where user_id = $1 and device_id = $2 and endpoint = $3",
        user_id as _,
        device_id,
        endpoint
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where a person is mailed.
#[derive(Debug)]
pub struct MailboxRow {
    /// Their name in addresses.
    pub username: String,
    /// The address.
    pub email: String,
}

/// The confirmed address of a person whose account is active.
pub async fn find_mailbox(conn: &mut Conn, user_id: UserId) -> Result<Option<MailboxRow>> {
    Ok(sqlx::query_as!(
        MailboxRow,
        "select a.username, c.email from account a join credential c on c.user_id = a.user_id
         where a.user_id = $1 and a.state = 'active' and c.email_verified_at is not null",
        user_id as _
    )
    .fetch_optional(conn)
    .await?)
}
