//! What a conversation is to oneself: how far one has read, and whether it is quiet or put away.

use crate::domains::messaging::live;
use crate::domains::messaging::model::{Delivered, MemberState, MyChange, Read};
use crate::domains::messaging::store::{self, Facts};
use crate::kernel::{ConversationId, Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, Patch};

/// Moves how far `me` has read forward. It is told to the others unless it is private, by wish, by
/// setting, or because `me` has not accepted to be in the conversation. Says whether something may have
/// been new to `me` before.
pub async fn mark_read(tx: &mut Tx, me: UserId, id: ConversationId, read: Read) -> Result<bool> {
    let facts = find(tx, me, id).await?;
    let up_to = within(&facts, read.up_to)?;
    let shown = !read.private
        && facts.state == MemberState::Active
        && store::tells_what_is_read(tx.conn(), me).await?;
    let moved = store::advance_read(tx.conn(), id, me, up_to, shown).await?;
    let has_moved = moved.is_some();
    if let Some(mark) = moved.filter(|_| shown) {
        live::tell_reading(tx, id, me, mark.shown_up_to);
    }
    let is_in = facts.state == MemberState::Active;
    Ok(has_moved && is_in && facts.may_wait())
}

/// Moves how far messages have reached `me` forward, on any of their devices.
pub async fn mark_delivered(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    delivered: Delivered,
) -> Result<()> {
    let facts = find(tx, me, id).await?;
    let up_to = within(&facts, delivered.up_to)?;
    let is_in = facts.state == MemberState::Active;
    if is_in && store::advance_delivered(tx.conn(), id, me, up_to).await? {
        live::tell_arrival(tx, id, me, (up_to, facts.top_seq));
    }
    Ok(())
}

/// Changes whether a conversation is quiet, put away or on top for `me`, and what of it is gone.
pub async fn change_mine(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    change: &MyChange,
    if_match: IfMatch,
) -> Result<()> {
    // Nothing of anybody else's changes, so only the own marks are held: who writes here does not wait.
    store::lock_marks(tx.conn(), id, me).await?;
    let facts = find(tx, me, id).await?;
    if_match.check(facts.version)?;
    let now = tx.now();
    if matches!(change.muted_until, Patch::Set(until) if until <= now) {
        let detail = "It is quiet until an instant in the future. To end that, send null.";
        return Err(Error::invalid_field("/muted_until", "in_the_past", detail));
    }
    let cleared = match change.cleared_up_to {
        Some(up_to) => Some(within_at(&facts, up_to, "/cleared_up_to")?),
        None => None,
    };
    store::update_marks(tx.conn(), id, me, change, cleared).await?;
    let after = Facts {
        archived: change.archived.unwrap_or(facts.archived),
        cleared_up_to: facts.cleared_up_to.max(cleared.unwrap_or_default()),
        ..facts.clone()
    };
    if facts.may_wait() != after.may_wait() {
        tx.tell_counts(me);
    }
    Ok(())
}

/// A conversation that is there for `me`, without holding it up: only own marks change.
async fn find(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<Facts> {
    let found = store::find_facts(tx.conn(), me, id).await?;
    found.ok_or_else(Error::not_found)
}

fn within(facts: &Facts, up_to: i64) -> Result<i64> {
    within_at(facts, up_to, "/up_to")
}

/// A place that there is; what lies beyond the newest message means the newest.
fn within_at(facts: &Facts, up_to: i64, pointer: &str) -> Result<i64> {
    if up_to < 0 {
        let detail = "Expected the `seq` of a message.";
        return Err(Error::invalid_field(pointer, "out_of_range", detail));
    }
    Ok(up_to.min(facts.left_seq.unwrap_or(facts.top_seq)))
}
