//! How somebody is in conversations, for whoever tells them of these.

use std::collections::HashMap;

use crate::domains::messaging::cache::MEMBERSHIP;
use crate::domains::messaging::model::MemberState;
use crate::kernel::{ConversationId, Result, UserId};
use crate::platform::Reads;

/// How `user_id` is in each of these conversations; one that they have nothing to do with is left out.
pub async fn states(
    reads: &mut Reads<'_>,
    user_id: UserId,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, MemberState>> {
    let keys: Vec<(ConversationId, UserId)> = ids.iter().map(|id| (*id, user_id)).collect();
    let found = reads.get_many(&MEMBERSHIP, &keys).await?.into_iter();
    Ok(found.map(|((id, _), part)| (id, part.state)).collect())
}
