//! How many conversations wait for a person.

use crate::domains::messaging::cache::WAITING;
use crate::domains::messaging::model::Waiting;
use crate::kernel::{Result, UserId};
use crate::platform::Reads;

/// How many conversations wait for `user_id`: as many as the lists of unread ones and of requests
/// show.
pub async fn count_waiting(reads: &mut Reads<'_>, user_id: UserId) -> Result<Waiting> {
    Ok(*reads.load(&WAITING, &user_id).await?)
}
