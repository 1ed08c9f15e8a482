//! Makes frames of events, in bulk: from today's rows, unless a writer has just rendered what they say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::frame::Frame;
use super::hub::Hub;
use super::live::IsHidden;
use super::{Rendering, Told};
use crate::kernel::ids::Id as _;
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;

/// Events of one rendering for one viewer, with their places in the whole.
struct Group {
    rendering: Rendering,
    viewer: Option<UserId>,
    places: Vec<usize>,
    told: Vec<Told>,
}

/// The frames of these events, in their order.
pub(super) async fn frames(
    ctx: &Ctx,
    hub: &Hub,
    epoch: &str,
    events: Vec<Told>,
) -> Result<Vec<Arc<Frame>>> {
    frames_with(ctx, hub, epoch, events, Vec::new()).await
}

/// What is to be told of events, as of now.
pub(super) struct Rendered(BTreeMap<usize, Option<Value>>);

/// What is to be told of these events, to be made frames of by [`frames_but`].
pub(super) async fn rendered(ctx: &Ctx, hub: &Hub, events: &[Told]) -> Result<Rendered> {
    Ok(Rendered(render(ctx, hub, events, Vec::new()).await?))
}

/// The frames of events that were rendered, where what is hidden is told as what is gone: by its place alone.
pub(super) fn frames_but(
    epoch: &str,
    events: &[Told],
    Rendered(mut rendered): Rendered,
    hidden: Option<&IsHidden>,
) -> Result<Vec<Arc<Frame>>> {
    for d in rendered.values_mut() {
        let is_hidden = |d: &Value| hidden.is_some_and(|is_hidden| is_hidden(d));
        *d = d.take().filter(|d| !is_hidden(d));
    }
    frames_of(epoch, events, rendered)
}

/// The frames of these events, where the writers of some had at hand what these say.
pub(super) async fn frames_with(
    ctx: &Ctx,
    hub: &Hub,
    epoch: &str,
    events: Vec<Told>,
    ready: Vec<Option<Value>>,
) -> Result<Vec<Arc<Frame>>> {
    let rendered = render(ctx, hub, &events, ready).await?;
    frames_of(epoch, &events, rendered)
}

/// A frame of each event, in their order.
fn frames_of(
    epoch: &str,
    events: &[Told],
    mut rendered: BTreeMap<usize, Option<Value>>,
) -> Result<Vec<Arc<Frame>>> {
    let frame = |(place, told)| {
        let d = rendered.remove(&place).flatten();
        Frame::event(epoch, told, d.as_ref()).map(Arc::new)
    };
    events.iter().enumerate().map(frame).collect()
}

/// What is to be told of each event, by its place.
async fn render(
    ctx: &Ctx,
    hub: &Hub,
    events: &[Told],
    mut ready: Vec<Option<Value>>,
) -> Result<BTreeMap<usize, Option<Value>>> {
    let mut groups: Vec<Group> = Vec::new();
    let mut rendered = BTreeMap::new();
    for (place, told) in events.iter().enumerate() {
        if let Some(d) = ready.get_mut(place).and_then(Option::take) {
            rendered.insert(place, Some(d));
            continue;
        }
        let Some(rendering) = hub.registry().rendering(&told.kind) else {
            // A kind that says all by its name and its facts.
            let d = if told.detail.is_null() {
                json!({})
            } else {
                told.detail.clone()
            };
            rendered.insert(place, Some(d));
            continue;
        };
        let viewer = told
            .channel
            .is_inbox()
            .then(|| UserId::from_uuid(told.channel.id));
        let is_it = |group: &&mut Group| {
            std::ptr::eq(group.rendering.kinds, rendering.kinds) && group.viewer == viewer
        };
        if let Some(group) = groups.iter_mut().find(is_it) {
            group.places.push(place);
            group.told.push(told.clone());
        } else {
            groups.push(Group {
                rendering: *rendering,
                viewer,
                places: vec![place],
                told: vec![told.clone()],
            });
        }
    }
    for group in groups {
        let told = (group.rendering.render)(ctx.clone(), group.viewer, group.told).await?;
        rendered.extend(group.places.into_iter().zip(told));
    }
    Ok(rendered)
}
