//! Asks whether those who are connected may still listen to what they do, and what they see of others; whoever
//! may not is told so, and nothing that follows.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use serde_json::Value;

use super::conn::Conn;
use super::frame::Frame;
use super::hub::Hub;
use super::room::Room;
use super::sight;
use super::{Channel, Offset, Signal, attendance};
use crate::kernel::{Code, Result, UserId};
use crate::platform::Ctx;

/// Questions that are asked at once: it leaves connections for those who ask.
const AT_ONCE: usize = 5;

/// Learns anew whom a person is spared, and asks whether they may still listen to what they do.
pub(super) async fn ask_about_own(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<()> {
    let mut rooms: HashMap<Channel, (Arc<Room>, u64)> = HashMap::new();
    for conn in hub.conns_of(user_id) {
        let listened = conn.rooms().clone().into_iter();
        for room in listened.filter(|room| room.topic.is_some()) {
            let doubt = room.lock().doubts.last();
            rooms.insert(room.channel.clone(), (room, doubt));
        }
    }
    see_anew(ctx, hub, user_id).await?;
    for (room, doubt) in rooms.into_values() {
        ask_about(ctx, hub, &room, user_id).await?;
        room.lock().doubts.resolve_of(user_id, doubt);
    }
    Ok(())
}

/// Asks about a person in a room, if something may have changed it for them.
pub(super) async fn ask_if_doubted(
    ctx: &Ctx,
    hub: &Hub,
    room: &Arc<Room>,
    user_id: UserId,
) -> Result<()> {
    let doubt = {
        let state = room.lock();
        state.doubts.is_of(user_id).then(|| state.doubts.last())
    };
    match doubt {
        Some(doubt) => ask_anew(ctx, hub, room, (user_id, doubt)).await,
        None => Ok(()),
    }
}

/// Resolves a doubt about one person in a room.
async fn ask_anew(
    ctx: &Ctx,
    hub: &Hub,
    room: &Arc<Room>,
    (user_id, doubt): (UserId, u64),
) -> Result<()> {
    see_anew(ctx, hub, user_id).await?;
    ask_about(ctx, hub, room, user_id).await?;
    room.lock().doubts.resolve_of(user_id, doubt);
    Ok(())
}

/// Learns anew what a person sees of others, and others of them.
async fn see_anew(ctx: &Ctx, hub: &Hub, user_id: UserId) -> Result<()> {
    let sight = sight::look(ctx, hub, user_id).await?;
    for conn in hub.conns_of(user_id) {
        if conn.set_sight(&sight) {
            attendance::begin_anew(hub, &conn);
        }
    }
    Ok(())
}

/// The same of everybody here.
pub(super) async fn see_all_anew(ctx: &Ctx, hub: &Hub) -> Result<()> {
    let seeing = futures_util::stream::iter(hub.all_people());
    let seeing = seeing.map(|user_id| see_anew(ctx, hub, user_id));
    all_of(seeing).await
}

/// Asks everything, some at once; gives what failed first.
async fn all_of<F: Future<Output = Result<()>>>(
    asking: impl futures_util::Stream<Item = F>,
) -> Result<()> {
    let asked = asking.buffer_unordered(AT_ONCE);
    asked
        .fold(Ok(()), async |outcome: Result<()>, asked| {
            outcome.and(asked)
        })
        .await
}

/// Asks of everybody in these rooms whether they may be there.
pub(super) async fn ask_members(ctx: &Ctx, hub: &Hub, rooms: Vec<Arc<Room>>) -> Result<()> {
    let mut asked: Vec<(Arc<Room>, UserId)> = Vec::new();
    let mut doubts: Vec<u64> = Vec::with_capacity(rooms.len());
    for room in &rooms {
        let state = room.lock();
        doubts.push(state.doubts.last());
        let mut people: Vec<UserId> = state
            .subs
            .iter()
            .filter_map(|sub| sub.conn.user_id())
            .collect();
        drop(state);
        people.sort_unstable();
        people.dedup();
        asked.extend(
            people
                .into_iter()
                .map(|user_id| (Arc::clone(room), user_id)),
        );
    }
    let asking = futures_util::stream::iter(asked);
    let asking = asking.map(async |(room, user_id)| ask_about(ctx, hub, &room, user_id).await);
    let outcome = all_of(asking).await;
    if outcome.is_ok() {
        for (room, doubt) in rooms.iter().zip(doubts) {
            room.lock().doubts.resolve(doubt);
        }
    }
    outcome
}

/// Ends the subscriptions of a person who may not listen to a channel any more.
pub(super) async fn ask_about(
    ctx: &Ctx,
    hub: &Hub,
    room: &Arc<Room>,
    user_id: UserId,
) -> Result<()> {
    let Some(topic) = room.topic else {
        return Ok(());
    };
    let refusal = match (topic.may_join)(ctx.clone(), user_id, room.channel.id).await {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    if matches!(refusal.code(), Code::Unavailable | Code::Internal) {
        return Err(refusal);
    }
    let goes = |conn: &Conn| conn.user_id() == Some(user_id);
    let removed = room.lock().remove(hub.now(), goes);
    let farewell = topic.farewell.map(|farewell| farewell(room.channel.id));
    let farewell = farewell.map(|(kind, d)| say_farewell(ctx, room, kind, d));
    let farewell = farewell.transpose()?.map(Arc::new);
    for number in removed {
        if let (Some(frame), Some(conn)) = (&farewell, hub.find_conn(number)) {
            conn.put(frame, hub.now());
        }
        hub.say_removed(room, number);
    }
    Ok(())
}

/// What whoever may listen no longer is told last.
fn say_farewell(ctx: &Ctx, room: &Room, kind: &'static str, d: Value) -> Result<Frame> {
    let signal = Signal::state(room.channel.clone(), kind, d);
    Frame::signal(&signal, ctx.now())
}

/// Asks in a room whether those of whom it is in doubt may be there, and has it pass on the event at `offset`,
/// which waits for that. What may not be asked now is asked again: nobody is sent what they may not see.
pub(super) async fn ask_first(ctx: &Ctx, hub: &Hub, room: &Arc<Room>, offset: Offset) {
    loop {
        // The voids of the write that the event tells of are delivered before it is told.
        ctx.cache().step().await;
        match ask_those_in_doubt(ctx, hub, room, offset).await {
            Ok(()) => break,
            Err(_) if room.lock().closed => return,
            Err(error) => {
                tracing::warn!(?error, channel = %room.channel, "who may listen could not be asked: again soon");
                tokio::time::sleep(hub.pace().alone()).await;
            }
        }
    }
    let passed = room.has_asked(offset, ctx.cache().known_voids(), hub.now());
    hub.settle(ctx, room, passed);
}

async fn ask_those_in_doubt(ctx: &Ctx, hub: &Hub, room: &Arc<Room>, offset: Offset) -> Result<()> {
    let question = room.question(offset, ctx.cache().known_voids());
    let people = futures_util::stream::iter(question.people);
    all_of(people.map(|one| ask_anew(ctx, hub, room, one))).await?;
    if question.everybody {
        ask_members(ctx, hub, vec![Arc::clone(room)]).await?;
    }
    Ok(())
}
