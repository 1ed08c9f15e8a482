//! Presence of friends, and changes of what lies between two people.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::view;
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, Result, UserId};
use crate::platform::realtime::{
    Event, INBOX, Live, Member, News, Rendering, Told, Topic, inbox, presence,
};
use crate::platform::{Ctx, Reads, Tx};

/// What this domain tells live.
pub const LIVE: Live = Live {
    topics: &[Topic {
        member_tag: Some(|user_id| format!("settings:{user_id}")),
        heeds_relations: true,
        snapshot: Some(|ctx, viewer, user_id, _count| Box::pin(snapshot(ctx, viewer, user_id))),
        ..Topic::new(presence::TOPIC, |ctx, viewer, user_id| {
            Box::pin(may_join(ctx, viewer, user_id))
        })
    }],
    snapshots: &[],
    renderings: &[Rendering {
        kinds: &["relationship.changed"],
        render: |ctx, viewer, told| Box::pin(render(ctx, viewer, told)),
    }],
    commands: &[],
    events: &[Event::durable(
        "relationship.changed",
        INBOX,
        &[Member::of::<view::Relationship>("relationship")],
    )],
};

/// Friends see each other's presence if both let theirs be seen.
async fn may_join(ctx: Ctx, viewer: UserId, user_id: Uuid) -> Result<()> {
    let user_id = UserId::from_uuid(user_id);
    let watched = view::watched(&mut Reads::cached(&ctx), viewer, &[user_id]).await?;
    if watched.is_empty() {
        return Err(Error::not_found());
    }
    Ok(())
}

async fn snapshot(ctx: Ctx, viewer: UserId, user_id: Uuid) -> Result<Value> {
    let user_id = UserId::from_uuid(user_id);
    let seen = view::presences(&ctx, viewer, &[user_id]).await?;
    Ok(json!({"presence": seen}))
}

async fn render(ctx: Ctx, viewer: Option<UserId>, told: Vec<Told>) -> Result<Vec<Option<Value>>> {
    let others: Vec<UserId> = told
        .iter()
        .filter_map(|one| one.object_id.map(UserId::from_uuid))
        .collect();
    let mut found = HashMap::new();
    if let Some(viewer) = viewer {
        let reads = &mut Reads::cached(&ctx);
        for between in view::relationships(reads, viewer, &others, ctx.now()).await? {
            let other = between.user_id;
            let between = serde_json::to_value(between).map_err(Error::internal)?;
            found.insert(other.uuid(), between);
        }
    }
    let told = told.into_iter().map(|one| {
        let between = one.object_id.and_then(|id| found.get(&id))?;
        Some(json!({"relationship": between}))
    });
    Ok(told.collect())
}

/// Tells somebody what lies between them and another one now.
pub(super) fn tell(tx: &mut Tx, owner: UserId, other: UserId) {
    tx.publish(News {
        channel: inbox(owner),
        kind: "relationship.changed",
        object_id: Some(other.uuid()),
        actor: None,
        detail: Value::Null,
    });
}
