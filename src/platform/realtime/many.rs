//! The same signal to many channels: one publication however many they are, made into frames only where
//! somebody listens.

use std::borrow::Cow;
use std::sync::Arc;

use redis::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::frame::Frame;
use super::hub::Hub;
use super::publisher::Post;
use super::{Channel, Class, Signal, counts, hot};
use crate::infra::redis::Redis;
use crate::kernel::{Error, Result};
use crate::platform::Ctx;

/// Where instances hear of them.
pub(super) const MANY: Channel = Channel::new("many", Uuid::nil());

/// A state that is the latest in each of these channels.
#[derive(Debug, Serialize, Deserialize)]
pub struct Many {
    topic: Cow<'static, str>,
    ids: Vec<Uuid>,
    kind: Cow<'static, str>,
    d: Value,
}

/// Tells at once that this is the state of each of these channels of a topic, and keeps nothing.
pub fn tell_many(ctx: &Ctx, topic: &'static str, ids: Vec<Uuid>, kind: &'static str, d: Value) {
    let Some(hub) = Hub::of(ctx).filter(|_| !ids.is_empty()) else {
        return;
    };
    let (topic, kind) = (Cow::Borrowed(topic), Cow::Borrowed(kind));
    hub.post(
        &MANY,
        Post::Many(Many {
            topic,
            ids,
            kind,
            d,
        }),
    );
}

/// Adds it to a pipeline.
pub(super) fn add(pipe: &mut Pipeline, redis: &Redis, many: &Many) -> Result<()> {
    pipe.cmd("PUBLISH")
        .arg(hot::topic_of(redis, &MANY))
        .arg(serde_json::to_vec(many).map_err(Error::internal)?)
        .ignore();
    Ok(())
}

/// Hears what an instance tells; what another version may have meant is passed over.
pub(super) fn hear(ctx: &Ctx, hub: &Hub, payload: &[u8]) {
    if let Ok(many) = serde_json::from_slice(payload) {
        pass(ctx, hub, &many);
    }
}

/// Passes it on where somebody listens.
pub(super) fn pass(ctx: &Ctx, hub: &Hub, many: &Many) {
    if many.kind == counts::ASK {
        return count(ctx, hub, many);
    }
    let known = hub.registry().catalogue();
    let Some(entry) = known.iter().find(|entry| entry.kind == many.kind) else {
        return;
    };
    for id in &many.ids {
        let topic = many.topic.clone();
        let channel = Channel { topic, id: *id };
        if hub.find_room(&channel).is_none() {
            continue;
        }
        let signal = Signal {
            channel,
            kind: entry.kind,
            class: Class::State,
            key: None,
            actor: None,
            d: many.d.clone(),
        };
        if let Ok(frame) = Frame::signal(&signal, ctx.now()) {
            hub.receive(ctx, Arc::new(frame));
        }
    }
}

/// Has those counted who are connected here: each has a state of their own.
fn count(ctx: &Ctx, hub: &Hub, many: &Many) {
    for id in &many.ids {
        let topic = many.topic.clone();
        let channel = Channel { topic, id: *id };
        if hub.find_room(&channel).is_some() {
            counts::tell_here(ctx, hub, channel);
        }
    }
}
