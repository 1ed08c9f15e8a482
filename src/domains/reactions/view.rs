//! What others see of reactions.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cache::{OWN_REACTIONS, REACTORS, SUMMARY};
use super::model::{Kind, Summary, Target, TargetKind};
use super::store;
use crate::domains::relations;
use crate::domains::users::{Person, USER};
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Summaries of some targets.
pub async fn summaries(
    reads: &mut Reads<'_>,
    kind: TargetKind,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Arc<Summary>>> {
    let targets: Vec<Target> = ids.iter().map(|id| Target { kind, id: *id }).collect();
    let found = reads.get_many(&SUMMARY, &targets).await?.into_iter();
    Ok(found
        .map(|(target, summary)| (target.id, summary))
        .collect())
}

/// Summaries of some targets without what came after an instant each; who has no reaction left is left out.
pub async fn summaries_then(
    reads: &mut Reads<'_>,
    kind: TargetKind,
    asked: &[(Uuid, Timestamp)],
) -> Result<HashMap<Uuid, Summary>> {
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    store::list_summaries_then(&mut *reads.conn().await?, kind, asked).await
}

/// A person's own reactions to some targets. What is older than the entry reaches is looked up.
pub async fn own(
    reads: &mut Reads<'_>,
    user_id: UserId,
    kind: TargetKind,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Kind>> {
    if let Reads::Within(conn) = reads {
        // A few rows, in place of the thousands of an entry that nobody keeps.
        return store::list_own(conn, user_id, kind, ids).await;
    }
    let newest = reads.load(&OWN_REACTIONS, &user_id).await?;
    let (known, older): (Vec<Uuid>, Vec<Uuid>) = ids.iter().partition(|id| newest.knows(**id));
    let mut found = if older.is_empty() {
        HashMap::new()
    } else {
        store::list_own(&mut *reads.conn().await?, user_id, kind, &older).await?
    };
    let own = known.into_iter().filter_map(|id| {
        let (of, reaction) = newest.get(id)?;
        (*of == kind).then_some((id, *reaction))
    });
    found.extend(own);
    Ok(found)
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
    reads: &mut Reads<'_>,
    viewer: Viewer,
    target: Target,
    kind: Option<Kind>,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Reaction>> {
    let rows = if let Some(rows) = kept(reads, viewer, target, kind, slice).await? {
        rows
    } else {
        let conn = &mut *reads.conn().await?;
        store::list_reactions(conn, viewer.id(), target, kind, slice).await?
    };
    let ids: Vec<UserId> = rows.iter().map(|(_, (user_id, _))| *user_id).collect();
    let people = reads.get_many(&USER, &ids).await?;
    let shown = rows.into_iter().filter_map(|(key, (user_id, kind))| {
        let reaction = Reaction {
            user: Person::from(&**people.get(&user_id)?),
            kind,
            created_at: key.0,
        };
        Some((key, reaction))
    });
    Ok(slice.page(shown.collect()))
}

/// A reaction in a list: who, and how.
type Row = (TimeKey, (UserId, Kind));

/// The rows of a page as far as the entry of the target holds them.
async fn kept(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    target: Target,
    kind: Option<Kind>,
    slice: &Slice<TimeKey>,
) -> Result<Option<Vec<Row>>> {
    let head = reads.load(&REACTORS, &target).await?;
    let Some(candidates) = head.candidates(slice) else {
        return Ok(None);
    };
    let ties = relations::ties_of(reads, viewer).await?;
    let ids: Vec<UserId> = candidates.items().iter().map(|(id, _)| *id).collect();
    let people = reads.get_many(&USER, &ids).await?;
    Ok(candidates.filled(|(user_id, how)| {
        let is_active = people.get(user_id).is_some_and(|person| person.is_active());
        kind.is_none_or(|kind| kind == *how) && ties.sees(*user_id, is_active)
    }))
}
