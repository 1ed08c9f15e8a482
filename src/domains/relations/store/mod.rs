//! All SQL of relations.

mod blocks;
mod circles;
mod follows;
mod friends;
mod people;
mod requests;
mod suggestions;
mod ties;

pub use blocks::*;
pub use circles::*;
pub use follows::*;
pub use friends::*;
pub use people::*;
pub use requests::*;
pub use suggestions::*;
pub use ties::*;

use super::model::RequestState;
use crate::kernel::ids::Id;
use crate::kernel::page::{NameKey, TimeKey};
use crate::kernel::{Timestamp, UserId};
use crate::stored_words;

stored_words!(RequestState);

/// A person in a list that is ordered by time.
pub(super) struct TimedRow {
    at: Timestamp,
    user_id: UserId,
}

/// A person in a list that is ordered by name.
pub(super) struct NamedRow {
    name: String,
    user_id: UserId,
}

/// A person in a list that is ordered by a number.
pub(super) struct RankedRow {
    rank: i64,
    user_id: UserId,
}

fn by_time(rows: Vec<TimedRow>) -> Vec<(TimeKey, UserId)> {
    let key = |row: TimedRow| (TimeKey(row.at, row.user_id.uuid()), row.user_id);
    rows.into_iter().map(key).collect()
}

fn by_name(rows: Vec<NamedRow>) -> Vec<(NameKey, UserId)> {
    let key = |row: NamedRow| (NameKey(row.name, row.user_id.uuid()), row.user_id);
    rows.into_iter().map(key).collect()
}
