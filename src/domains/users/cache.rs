//! What is cached of people.
//!
//! A profile has no space of its own: it is [`USER`] with [`USER_COUNTS`], and an entry that held
//! both would be a copy of each.

use std::time::Duration;

use smallvec::smallvec;

use super::store::{self, AccountRow, NamedRow, OwnRow, SettingsRow, UserCounts};
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::UserId;

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    USER.described(),
    USER_COUNTS.described(),
    USERNAME.described(),
    SETTINGS.described(),
    ME.described(),
];

/// Accounts by id, whatever their state. Whether one is active decides who sees what they made.
pub static USER: Space<UserId, AccountRow> = Space {
    name: "user",
    version: 2,
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

/// Numbers of a person, which change with every friend, follower and post, and void nothing else.
pub static USER_COUNTS: Space<UserId, UserCounts> = Space {
    name: "user-counts",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)),
    tags: |user_id| smallvec![format!("user-counts:{user_id}")],
    tables: &["user_counter"],
    load: |conn, ids| Box::pin(store::list_counts(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_accounts(conn, after, limit))),
};

/// Whom a username leads to, be it a former one. That a name leads to nobody is kept too, for a
/// minute; registration and a rename end it at once.
pub static USERNAME: Space<String, NamedRow> = Space {
    name: "username",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)),
    tags: |name| smallvec![format!("username:{name}")],
    tables: &["account", "former_username"],
    load: |conn, names| Box::pin(store::list_named(conn, names)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_usernames(conn, after, limit))),
};

/// What a person chose. It decides who sees their friends and who may ask or write.
pub static SETTINGS: Space<UserId, SettingsRow> = Space {
    name: "settings",
    version: 2,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)).deciding(),
    tags: |user_id| smallvec![format!("settings:{user_id}")],
    tables: &["user_settings"],
    load: |conn, ids| Box::pin(store::list_settings(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_accounts(conn, after, limit))),
};

/// What only the owner of an account sees of it.
pub static ME: Space<UserId, OwnRow> = Space {
    name: "me",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_hours(1)),
    tags: |user_id| smallvec![format!("me:{user_id}")],
    tables: &["credential"],
    load: |conn, ids| Box::pin(store::list_own(conn, ids)),
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

impl Value for SettingsRow {
    fn weight(&self) -> usize {
        self.client.len() + 128 + size_of::<Self>()
    }
}

impl Value for OwnRow {
    fn weight(&self) -> usize {
        self.email.len() + size_of::<Self>()
    }
}

impl Value for UserCounts {}

impl Value for NamedRow {}
