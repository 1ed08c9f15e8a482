//! What is cached of relations.

use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;

use super::model::Ties;
use super::store::{self, TiesRow};
use crate::infra::cache::{Described, Kind, Policy, Space, Value};
use crate::kernel::{CircleId, Result, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// The spaces of this domain.
pub const SPACES: &[Described] = &[TIES.described(), CIRCLE_MEMBERS.described()];

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
    walk: None,
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
    walk: None,
};

/// The ties of whoever looks; somebody who is signed out has none.
pub async fn ties_of(reads: &mut Reads<'_>, viewer: Viewer) -> Result<Arc<Ties>> {
    match viewer.id() {
        Some(user_id) => reads.find(&TIES, &user_id).await,
        None => Ok(Arc::default()),
    }
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

impl Value for Vec<UserId> {
    fn weight(&self) -> usize {
        16 * self.len() + size_of::<Self>()
    }
}
