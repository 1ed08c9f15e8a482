//! What a person's own devices are told of their profile and settings.

use serde_json::{Value, json};

use super::view;
use crate::kernel::{Error, Result, UserId};
use crate::platform::realtime::{Event, INBOX, Live, Member, News, Rendering, Told, inbox};
use crate::platform::{Ctx, Reads, Tx};

/// What this domain tells live.
pub const LIVE: Live = Live {
    topics: &[],
    snapshots: &[],
    renderings: &[Rendering {
        kinds: &["me.changed"],
        render: |ctx, viewer, told| Box::pin(render(ctx, viewer, told)),
    }],
    commands: &[],
    events: &[Event::durable(
        "me.changed",
        INBOX,
        &[
            Member::of::<view::Me>("me"),
            Member::of::<view::Settings>("settings"),
        ],
    )
    .says("without the e-mail address")],
};

/// Profile and settings, without the e-mail address, which no frame carries.
async fn render(ctx: Ctx, viewer: Option<UserId>, told: Vec<Told>) -> Result<Vec<Option<Value>>> {
    let Some(user_id) = viewer else {
        return Ok(told.iter().map(|_| None).collect());
    };
    let reads = &mut Reads::cached(&ctx);
    let me = view::me(reads, user_id).await?;
    let mut me = serde_json::to_value(me).map_err(Error::internal)?;
    if let Some(members) = me.as_object_mut() {
        members.remove("email");
    }
    let (_version, settings) = view::settings(reads, user_id).await?;
    let d = json!({"me": me, "settings": settings});
    Ok(told.iter().map(|_| Some(d.clone())).collect())
}

/// Tells a person's own devices that something of what they see of themselves, or of their settings, has changed;
/// `by` them, or by somebody whom they are not told of.
pub fn tell_changed(tx: &mut Tx, user_id: UserId, by: Option<UserId>) {
    let news = News {
        channel: inbox(user_id),
        kind: "me.changed",
        object_id: None,
        actor: by,
        detail: Value::Null,
    };
    tx.publish(news);
}
