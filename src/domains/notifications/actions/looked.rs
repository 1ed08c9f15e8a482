//! How far a person has looked, and what they put away.

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::live::{self, Telling};
use super::super::model::Channel;
use super::super::{store, view};
use super::tell::forget;
use crate::domains::relations;
use crate::kernel::{Error, NotificationId, Result, Timestamp, UserId};
use crate::platform::{Answer, Tx};

/// How far the list was looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationsUpTo)]
pub struct UpTo {
    /// The `updated_at` of the newest notification that was looked at, or its id.
    #[schema(example = "2026-11-28T09:30:00.123Z")]
    pub up_to: String,
}

/// The instant that a client names, in the future no later than now. Clients know milliseconds: the
/// whole of one counts.
async fn resolve(tx: &mut Tx, user_id: UserId, up_to: &UpTo) -> Result<Timestamp> {
    let unknown = |code, detail| Error::invalid_field("/up_to", code, detail);
    if let Ok(id) = up_to.up_to.parse::<NotificationId>() {
        let found = store::find_own(tx.conn(), user_id, id).await?;
        let (_, at) =
            found.ok_or_else(|| unknown("not_found", "There is no such notification of yours."))?;
        return Ok(at);
    }
    let at = DateTime::parse_from_rfc3339(&up_to.up_to).map_err(|_no_instant| {
        unknown(
            "invalid",
            "Expected an instant (RFC 3339) or the id of a notification.",
        )
    })?;
    let end = Timestamp::new(at.to_utc()) + TimeDelta::microseconds(999);
    Ok(end.min(tx.now()))
}

/// Notes how far a person has seen the list, requests for friendship among it.
pub async fn mark_seen(tx: &mut Tx, user_id: UserId, up_to: &UpTo) -> Result<()> {
    let at = resolve(tx, user_id, up_to).await?;
    let requests = relations::mark_requests_seen(tx, user_id, at).await?;
    if store::advance_seen(tx.conn(), user_id, at).await? || requests {
        let mut telling = Telling::default();
        telling.counts(user_id);
        telling.tell(tx);
    }
    Ok(())
}

/// Notes how far a person has read everything; answers with what waits then.
pub async fn mark_all_read(tx: &mut Tx, user_id: UserId, up_to: &UpTo) -> Result<Answer> {
    let at = resolve(tx, user_id, up_to).await?;
    if store::advance_read_all(tx.conn(), user_id, at).await? {
        tell_read(tx, user_id, json!({"up_to": at})).await?;
    }
    let ctx = tx.ctx().clone();
    Answer::ok(&view::counts(&ctx, &mut tx.reads(), user_id).await?)
}

/// Marks a notification as read, as far as it has come; answers with its group.
pub async fn mark_read(tx: &mut Tx, user_id: UserId, id: NotificationId) -> Result<Answer> {
    let found = store::find_own(tx.conn(), user_id, id).await?;
    let (group_id, at) = found.ok_or_else(Error::not_found)?;
    if store::advance_read(tx.conn(), group_id, at).await? {
        tell_read(tx, user_id, json!({"ids": [group_id], "up_to": at})).await?;
    }
    let ctx = tx.ctx().clone();
    let shown = view::one(&ctx, &mut tx.reads(), user_id, group_id, Channel::InApp).await?;
    Answer::ok(&shown.ok_or_else(Error::not_found)?)
}

/// Tells a person's other devices what was read.
async fn tell_read(tx: &mut Tx, user_id: UserId, detail: Value) -> Result<()> {
    let mut telling = Telling::default();
    telling.add(user_id, live::news(user_id, live::READ, detail));
    telling.tell(tx);
    Ok(())
}

/// Deletes a notification, or one thing of those that it stands for.
pub async fn delete_notification(tx: &mut Tx, user_id: UserId, id: NotificationId) -> Result<()> {
    let mut telling = Telling::default();
    if store::delete_group(tx.conn(), user_id, id).await? {
        telling.cleared(user_id, &[id]);
    } else {
        let group_id = store::delete_item(tx.conn(), user_id, id).await?;
        let group_id = group_id.ok_or_else(Error::not_found)?;
        forget(tx, &mut telling, &[(group_id, user_id)]).await?;
    }
    telling.tell(tx);
    Ok(())
}
