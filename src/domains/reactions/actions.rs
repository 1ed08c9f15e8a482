//! Setting and taking back one's reaction. The owner of the target has checked before that the
//! person may see it, and holds it so that it stays.

use super::events::ReactionChanged;
use super::model::{Kind, Target, summary_changes};
use super::store;
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Tx;

/// How often a reaction that appears and vanishes between two statements is looked for again.
const TRIES: u32 = 32;

/// Sets a person's reaction to a target. Call it last: it ends with the counters.
pub async fn react(tx: &mut Tx, target: Target, user_id: UserId, kind: Kind) -> Result<()> {
    let old = put(tx, target, user_id, kind).await?;
    count_and_emit(tx, target, user_id, old, Some(kind)).await
}

/// Takes a person's reaction to a target back; without one, nothing happens. Call it last.
pub async fn unreact(tx: &mut Tx, target: Target, user_id: UserId) -> Result<()> {
    let old = store::delete_reaction(tx.conn(), target, user_id).await?;
    count_and_emit(tx, target, user_id, old, None).await
}

/// Writes the row and says what was there before. The row is inserted or else locked, so that of
/// two requests of one person each learns what the other left.
async fn put(tx: &mut Tx, target: Target, user_id: UserId, kind: Kind) -> Result<Option<Kind>> {
    let now = tx.now();
    for _ in 0..TRIES {
        let conn = tx.conn();
        if store::insert_reaction(conn, target, user_id, kind, now).await? {
            return Ok(None);
        }
        let Some(old) = store::lock_reaction(conn, target, user_id).await? else {
            continue;
        };
        if old != kind {
            store::update_reaction(conn, target, user_id, kind).await?;
        }
        return Ok(Some(old));
    }
    Err(Error::new(
        Code::Conflict,
        "Your reaction is being changed by other requests. Repeat this one.",
    ))
}

/// Tells of the change, and counts it: nobody waits at the news, and some may at the counters.
async fn count_and_emit(
    tx: &mut Tx,
    target: Target,
    user_id: UserId,
    old: Option<Kind>,
    new: Option<Kind>,
) -> Result<()> {
    if old != new {
        tx.emit(&ReactionChanged {
            target_kind: target.kind,
            target_id: target.id,
            user_id,
            was_there: old.is_some(),
            is_there: new.is_some(),
        })?;
    }
    for (kind, change) in summary_changes(old, new) {
        store::add_to_summary(tx.conn(), target, kind, change).await?;
    }
    Ok(())
}
