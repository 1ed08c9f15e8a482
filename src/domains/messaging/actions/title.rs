//! The name of a group.

use super::{forbidden, guard_group, hold_active, note_change, note_in};
use crate::domains::messaging::live::{self, Done};
use crate::domains::messaging::model::{Action, TitleChange, can_manage};
use crate::domains::messaging::store;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::IfMatch;

/// Gives a group another name, or takes its name away.
pub async fn rename_conversation(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    change: &TitleChange,
    if_match: IfMatch,
) -> Result<()> {
    let facts = hold_active(tx, me, id).await?;
    guard_group(&facts)?;
    if !can_manage(facts.role) {
        return Err(forbidden("Only its owner and admins name a group."));
    }
    if_match.check(facts.version)?;
    let wanted = change.title.as_ref().map(|title| title.as_str().to_owned());
    let title = wanted.set_or(facts.title.clone());
    if title == facts.title {
        return Ok(());
    }
    store::update_title(tx.conn(), id, title.as_deref()).await?;
    let titled = (Action::Titled, None);
    let said = note_in(tx, id, me, titled, title.as_deref().unwrap_or_default()).await?;
    live::tell_caught_up(tx, me, &facts);
    note_change(tx, id, Some(said.seq))?;
    live::tell_message(tx, id, Done::Created, said.message_id, me);
    live::tell_update(tx, id, me);
    Ok(())
}
