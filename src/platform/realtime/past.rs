//! What somebody was told, for whoever asks for it instead of listening.

use serde_json::Value;

use super::hub::Hub;
use super::opening::YOUNG;
use super::replay::Position;
use super::{Channel, render, store};
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Ctx;

/// Events of one answer.
const MOST: i64 = 200;

/// What somebody was told after a position.
#[derive(Debug)]
pub struct Past {
    /// The events, oldest first, as sockets are sent them.
    pub events: Vec<Value>,
    /// Up to where they reach.
    pub position: Position,
    /// Whether there are more.
    pub more: bool,
}

/// The events of a channel after a position, rendered for one of those who may listen to it; without a
/// position, where the channel stands. What is no longer kept is `unrecoverable`.
pub async fn past(
    ctx: &Ctx,
    channel: &Channel,
    reader: UserId,
    after: Option<Position>,
) -> Result<Past> {
    let gone = || Error::from(Code::Unrecoverable);
    let mut conn = ctx.conn().await?;
    let (epoch, tops) = store::list_tops(&mut conn, std::slice::from_ref(channel)).await?;
    let top = tops.get(channel).copied().unwrap_or_default();
    let Some(after) = after else {
        return Ok(Past {
            events: Vec::new(),
            position: Position { e: epoch, o: top },
            more: false,
        });
    };
    if after.e != epoch || !(0..=top).contains(&after.o) {
        return Err(gone());
    }
    let events = store::list_events(&mut conn, channel, after.o, MOST).await?;
    if events.iter().any(|told| told.at > ctx.now() - YOUNG) {
        ctx.cache().void_young(&mut conn).await?;
    }
    drop(conn);
    let places = events.iter().map(|told| told.offset);
    let is_whole = places
        .zip(after.o + 1..)
        .all(|(place, wanted)| place == wanted);
    // What was appended since the top was read may be among them; what is missing has gone.
    if !is_whole || (events.is_empty() && after.o < top) {
        return Err(gone());
    }
    let last = events.last().map_or(after.o, |told| told.offset);
    let hub = Hub::of(ctx).ok_or_else(|| Error::internal(anyhow::anyhow!("there is no hub")))?;
    let frames = render::frames(ctx, &hub, &epoch, events).await?;
    let told = frames.iter().filter_map(|frame| frame.text_for(reader));
    let told = told.map(|text| serde_json::from_slice(&text.json()).map_err(Error::internal));
    Ok(Past {
        events: told.collect::<Result<_>>()?,
        position: Position { e: epoch, o: last },
        more: last < top,
    })
}
