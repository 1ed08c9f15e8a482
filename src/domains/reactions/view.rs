//! What others see of reactions.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Kind, TargetKind};
use super::store;
use crate::domains::users::{self, Person};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// How many people reacted in which way, such as `{"like": 2}`; kinds that nobody used are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(as = ReactionSummary, value_type = HashMap<String, i32>, example = json!({"like": 2}))]
pub struct Summary(BTreeMap<Kind, i32>);

impl Summary {
    /// How many people reacted in any way.
    pub fn total(&self) -> i64 {
        self.0.values().copied().map(i64::from).sum()
    }
}

/// Summaries of some targets; a target to which nobody reacted is absent.
pub async fn summaries(
    conn: &mut Conn,
    target: TargetKind,
    target_ids: &[Uuid],
) -> Result<HashMap<Uuid, Summary>> {
    let mut found: HashMap<Uuid, Summary> = HashMap::new();
    for row in store::list_summaries(conn, target, target_ids).await? {
        let kind = store::read_kind(&row.kind)?;
        found
            .entry(row.target_id)
            .or_default()
            .0
            .insert(kind, row.count);
    }
    Ok(found)
}

/// A person's own reactions to some targets.
pub async fn own(
    conn: &mut Conn,
    user_id: UserId,
    target: TargetKind,
    target_ids: &[Uuid],
) -> Result<HashMap<Uuid, Kind>> {
    let rows = store::list_own(conn, user_id, target, target_ids).await?;
    Ok(rows.into_iter().collect())
}

/// Somebody's reaction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Reaction {
    /// Who reacted.
    pub user: Person,
    /// How.
    pub kind: Kind,
    /// When they first did.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A page of the reactions to a target, newest first, by people whom the viewer may see. Whether
/// the target may be seen is for its owner to decide.
pub async fn list(
    conn: &mut Conn,
    viewer: Viewer,
    target: TargetKind,
    target_id: Uuid,
    kind: Option<Kind>,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Reaction>> {
    let viewer = viewer.id();
    let rows = match kind {
        None => store::list_reactions(conn, viewer, target, target_id, slice).await?,
        Some(kind) => {
            store::list_reactions_of_kind(conn, viewer, target, target_id, kind, slice).await?
        }
    };
    let ids: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
    let mut people = users::people(&mut Reads::Within(conn), &ids).await?;
    let mut reactions = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(user) = people.remove(&row.user_id) else {
            continue;
        };
        let (kind, created_at) = (store::read_kind(&row.kind)?, row.created_at);
        let key = TimeKey(created_at, row.user_id.uuid());
        let reaction = Reaction {
            user,
            kind,
            created_at,
        };
        reactions.push((key, reaction));
    }
    Ok(slice.page(reactions))
}
