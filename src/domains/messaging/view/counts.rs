//! How many conversations wait for a person.

use crate::domains::messaging::store;
use crate::kernel::{Result, UserId};
use crate::platform::Reads;

/// How many conversations wait for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// Those with something new.
    pub conversations: i64,
    /// Those that strangers have begun.
    pub requests: i64,
}

/// How many conversations wait for `user_id`, counted from rows: as many as the lists of unread
/// ones and of requests show.
pub async fn count_messages(reads: &mut Reads<'_>, user_id: UserId) -> Result<MessageCounts> {
    let row = store::count_waiting(&mut *reads.conn().await?, user_id).await?;
    Ok(MessageCounts {
        conversations: row.conversations,
        requests: row.requests,
    })
}
