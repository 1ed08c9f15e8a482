//! What is cached of people.

use std::time::Duration;

use smallvec::smallvec;

use super::store::{self, AccountRow};
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::UserId;

/// The spaces of this domain.
pub const SPACES: &[Described] = &[USER.described()];

/// Accounts by id, whatever their state. Whether one is active decides who sees what they made.
pub static USER: Space<UserId, AccountRow> = Space {
    name: "user",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1))
        .deciding()
        .popular(),
    tags: |user_id| smallvec![format!("user:{user_id}")],
    tables: &["account"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = store::list_accounts(conn, ids).await?.into_iter();
            Ok(rows.map(|row| (row.user_id, row)).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(store::walk_accounts(conn, after, limit))),
};

impl Value for AccountRow {
    fn weight(&self) -> usize {
        let words = [
            &self.username,
            &self.display_name,
            &self.bio,
            &self.location,
        ];
        words.iter().map(|word| word.len()).sum::<usize>() + size_of::<Self>()
    }
}
