//! A group has an owner for as long as somebody is in it.

use super::note_change;
use crate::domains::messaging::live;
use crate::domains::messaging::model::MemberRole;
use crate::domains::messaging::store;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::Tx;

/// Makes whoever comes into a group its owner, if it has none: everybody had left it. The caller holds it.
pub(super) async fn take_ownerless(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<()> {
    if store::has_owner(tx.conn(), id).await? {
        return Ok(());
    }
    store::update_role(tx.conn(), id, me, MemberRole::Owner).await
}

/// Leaves a group, which the caller holds, to another owner, if there is anybody. Says to whom.
pub(super) async fn hand_over(
    tx: &mut Tx,
    owner: UserId,
    id: ConversationId,
) -> Result<Option<UserId>> {
    let heir = store::find_successor(tx.conn(), id, owner).await?;
    if let Some(heir) = heir {
        store::update_role(tx.conn(), id, heir, MemberRole::Owner).await?;
        live::tell_update(tx, id, heir);
    }
    Ok(heir)
}

/// Gives a group of somebody who has deleted their account to another one who is in it.
pub async fn hand_over_group(tx: &mut Tx, owner: UserId, id: ConversationId) -> Result<()> {
    store::lock_conversations(tx.conn(), &[(owner, id)]).await?;
    if store::has_owner(tx.conn(), id).await? {
        // Whoever came in since the account was deleted has taken it.
        return store::update_role(tx.conn(), id, owner, MemberRole::Member).await;
    }
    if hand_over(tx, owner, id).await?.is_none() {
        return Ok(());
    }
    store::update_role(tx.conn(), id, owner, MemberRole::Member).await?;
    note_change(tx, id, None)
}
