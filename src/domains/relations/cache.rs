//! What is cached of relations.
//!
//! The ids of somebody's friends are in [`TIES`], which every view for them reads anyway, and have no
//! space of their own. How many friends two people have in common is made from the ties of both and
//! from who is active, because it changes with the account of every friend. Lists of followers have
//! no end and are read page by page from Postgres.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;

use super::model::{Between, Ties};
use super::store::{self, CircleRow, TiesRow, WaitingRow};
use crate::domains::users;
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::{CircleId, Result, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// The spaces of this domain.
pub const SPACES: &[Described] = &[
    TIES.described(),
    STANDING.described(),
    WAITING.described(),
    CIRCLES.described(),
    CIRCLE_MEMBERS.described(),
];

/// What lies between a person and everybody else.
pub static TIES: Space<UserId, Ties> = Space {
    name: "ties",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).deciding(),
    tags: |user_id| smallvec![format!("relations:{user_id}")],
    tables: &["friendship", "follow", "block", "mute"],
    load: |conn, ids| {
        Box::pin(async move {
            let rows = store::list_ties(conn, ids).await?.into_iter();
            Ok(rows.map(|row| (row.user_id, ties(row))).collect())
        })
    },
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// What lies between a viewer and one other person alone, under both ids. Whatever changes it voids
/// the tag of the viewer; what the other does with third people does not. That the other is active,
/// their settings and the friends in common come from spaces of their own, and whether a mute has
/// ended is judged by whoever reads.
pub static STANDING: Space<(UserId, UserId), Between> = Space {
    name: "standing",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).deciding(),
    tags: |(viewer, _)| smallvec![format!("relations:{viewer}")],
    tables: &["friendship", "friend_request", "follow", "block", "mute"],
    load: |conn, pairs| Box::pin(store::list_between(conn, pairs)),
    // Of most pairs of people there is nothing to be said, and nobody could list them: those are checked
    // among the answers of a process alone.
    walk: Some(|conn, after, limit| Box::pin(store::walk_pairs(conn, after, limit))),
};

/// The open requests that wait for a person, in order of sender.
pub static WAITING: Space<UserId, Vec<WaitingRow>> = Space {
    name: "friend-requests",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |user_id| smallvec![format!("friend-requests:{user_id}")],
    tables: &["friend_request"],
    load: |conn, ids| Box::pin(store::list_waiting(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// A person's circles, newest first, without deleted ones. There are at most as many as a person may
/// have, so they are one entry.
pub static CIRCLES: Space<UserId, Vec<CircleRow>> = Space {
    name: "circles",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)),
    tags: |user_id| smallvec![format!("circles:{user_id}")],
    tables: &["circle"],
    load: |conn, ids| Box::pin(store::list_circles(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(users::walk_accounts(conn, after, limit))),
};

/// Who is in a circle, in order of id.
pub static CIRCLE_MEMBERS: Space<CircleId, Vec<UserId>> = Space {
    name: "circle-members",
    version: 1,
    kind: Kind::Exact,
    policy: Policy::lasting(Duration::from_mins(30)).deciding(),
    tags: |circle_id| smallvec![format!("circle:{circle_id}")],
    tables: &["circle", "circle_member"],
    load: |conn, ids| Box::pin(store::list_circle_members(conn, ids)),
    walk: Some(|conn, after, limit| Box::pin(store::walk_circles(conn, after, limit))),
};

/// The ties of whoever looks; somebody who is signed out has none.
pub async fn ties_of(reads: &mut Reads<'_>, viewer: Viewer) -> Result<Arc<Ties>> {
    match viewer.id() {
        Some(user_id) => reads.load(&TIES, &user_id).await,
        None => Ok(Arc::default()),
    }
}

/// The ties of several people.
pub async fn ties_of_many(
    reads: &mut Reads<'_>,
    people: &[UserId],
) -> Result<HashMap<UserId, Arc<Ties>>> {
    reads.get_many(&TIES, people).await
}

fn ties(row: TiesRow) -> Ties {
    Ties {
        friends: row.friends,
        following: row.following,
        hidden: row.hidden,
        muted: row.muted.into_iter().zip(row.muted_until).collect(),
    }
}

impl Value for Ties {
    fn weight(&self) -> usize {
        let people = self.friends.len() + self.following.len() + self.hidden.len();
        16 * people + 32 * self.muted.len() + size_of::<Self>()
    }
}

impl Value for Between {}

impl Value for Vec<WaitingRow> {
    fn weight(&self) -> usize {
        size_of::<WaitingRow>() * self.len() + size_of::<Self>()
    }
}

impl Value for Vec<CircleRow> {
    fn weight(&self) -> usize {
        let names: usize = self.iter().map(|circle| circle.name.len()).sum();
        names + size_of::<CircleRow>() * self.len() + size_of::<Self>()
    }
}
