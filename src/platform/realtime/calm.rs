//! States that may change many times a second are told once in a while: at once when it has been quiet,
//! and then no more than once a second, the latest last.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::hub::{Hub, lock, millis};
use super::{Channel, Signal};
use crate::kernel::Result;
use crate::platform::Ctx;

/// Between two states of one channel.
const EVERY: Duration = Duration::from_secs(1);
/// How often a state is read that could not be, at most.
const MOST_TRIES: u32 = 10;
/// Channels that are remembered before old ones are forgotten.
const MOST: usize = 4_096;

/// Many states may change at once: those that are read leave connections for those who ask.
static TURNS: Semaphore = Semaphore::const_new(4);

/// What was told when.
#[derive(Default)]
pub(super) struct Calm(Mutex<HashMap<Channel, Told>>);

#[derive(Default)]
struct Told {
    at: u64,
    is_waiting: bool,
}

/// Reads a state as it is now; `None` where nothing is left to tell.
pub type State = fn(Ctx, Uuid) -> BoxFuture<'static, Result<Option<Signal>>>;

/// Has the state of a channel told soon. It is read then, and not now.
pub fn tell_calmly(ctx: &Ctx, channel: Channel, state: State) {
    if let Some(hub) = Hub::of(ctx) {
        calmly(ctx, &hub, channel, state, |_ctx, hub, signal| {
            hub.signal(signal);
        });
    }
}

/// What passes a state on.
type Tell = fn(&Ctx, &Hub, Signal);

/// The same with another way of telling.
pub(super) fn calmly(ctx: &Ctx, hub: &Hub, channel: Channel, state: State, tell: Tell) {
    try_to(ctx, hub, channel, (state, tell), 1);
}

/// Reads and tells it for the `tries`th time.
fn try_to(ctx: &Ctx, hub: &Hub, channel: Channel, how: (State, Tell), tries: u32) {
    let (state, tell) = how;
    let (now, every) = (hub.now(), millis(EVERY));
    let wait = {
        let mut calm = lock(&hub.0.calm.0);
        if calm.len() >= MOST {
            calm.retain(|_, told| told.is_waiting || now.saturating_sub(told.at) < every);
        }
        let told = calm.entry(channel.clone()).or_default();
        if told.is_waiting {
            return;
        }
        told.is_waiting = true;
        if told.at == 0 {
            0
        } else {
            every.saturating_sub(now.saturating_sub(told.at))
        }
    };
    let (ctx, hub) = (ctx.clone(), hub.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(wait)).await;
        // Whoever waits for a turn is told of what changes until it comes.
        let _turn = TURNS.acquire().await;
        if let Some(told) = lock(&hub.0.calm.0).get_mut(&channel) {
            told.is_waiting = false;
            told.at = hub.now();
        }
        match state(ctx.clone(), channel.id).await {
            Ok(Some(signal)) => tell(&ctx, &hub, signal),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(?error, %channel, "a state could not be told");
                if tries < MOST_TRIES {
                    try_to(&ctx, &hub, channel, how, tries + 1);
                }
            }
        }
    });
}
