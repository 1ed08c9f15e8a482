//! The same signal to many channels: one publication however many they are, made into frames only where
//! somebody listens.

use std::borrow::Cow;

use redis::Pipeline;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::hub::Hub;
use super::publisher::Post;
use super::{Channel, Signal, counts, hot};
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
    let channels = many.ids.iter().map(|id| Channel {
        topic: many.topic.clone(),
        id: *id,
    });
    let heard = channels.filter(|channel| hub.find_room(channel).is_some());
    if many.kind == counts::ASK {
        // Of these each has a state of their own.
        return heard.for_each(|channel| counts::tell_here(ctx, hub, channel));
    }
    let known = hub.registry().catalogue();
    let Some(entry) = known.iter().find(|entry| entry.kind == many.kind) else {
        return;
    };
    for channel in heard {
        hub.receive_signal(ctx, &Signal::state(channel, entry.kind, many.d.clone()));
    }
}
