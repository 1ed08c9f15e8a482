//! What somebody has missed: from the hot stream, else from Postgres, else it is said that it is gone.

use super::hot::{self, is_whole};
use super::hub::Hub;
use super::{Channel, Offset, Told, store};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Most events that Postgres is asked for.
const MOST: i64 = 500;

/// A place in a stream, as clients name it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The epoch.
    pub e: String,
    /// The offset.
    pub o: Offset,
}

/// What is to be done for somebody who has everything up to a position.
#[derive(Debug)]
pub enum Missed {
    /// These events, of which there may be none.
    Events(Vec<Told>),
    /// Nothing yet: they have more than this process has heard of so far.
    Ahead,
    /// It cannot be said what they have missed, and why.
    Unknown(&'static str),
}

/// What lies between a position and `last`, the last event that a room has passed on.
pub(super) async fn missed(
    ctx: &Ctx,
    hub: &Hub,
    channel: &Channel,
    position: &Position,
    last: Offset,
) -> Result<Missed> {
    let epoch = hub.epoch();
    if position.e != *epoch {
        return Ok(Missed::Unknown("epoch"));
    }
    if position.o < 0 {
        return Ok(Missed::Unknown("position"));
    }
    if position.o > last {
        return is_ahead(ctx, channel, position.o).await;
    }
    if position.o == last {
        return Ok(Missed::Events(Vec::new()));
    }
    if let Some(events) = hot::find(ctx.redis(), &epoch, channel, position.o, last).await {
        super::figures::replayed("hot", events.len());
        return Ok(Missed::Events(events));
    }
    if last - position.o > MOST {
        super::figures::replayed("expired", 1);
        return Ok(Missed::Unknown("expired"));
    }
    let mut conn = ctx.conn().await?;
    let mut events = store::list_events(&mut conn, channel, position.o, MOST).await?;
    drop(conn);
    events.retain(|told| told.offset <= last);
    if !is_whole(&events, position.o, last) {
        super::figures::replayed("expired", 1);
        return Ok(Missed::Unknown("expired"));
    }
    super::figures::replayed("postgres", events.len());
    Ok(Missed::Events(events))
}

async fn is_ahead(ctx: &Ctx, channel: &Channel, offset: Offset) -> Result<Missed> {
    let mut conn = ctx.conn().await?;
    let (_epoch, tops) = store::list_tops(&mut conn, std::slice::from_ref(channel)).await?;
    let top = tops.get(channel).copied().unwrap_or_default();
    Ok(if offset <= top {
        Missed::Ahead
    } else {
        Missed::Unknown("position")
    })
}
