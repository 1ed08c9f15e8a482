//! Tells what was committed: renders it once, keeps it in the hot stream, and passes it to every
//! instance, this one included, by the same way.

use std::sync::Arc;
use std::time::Instant;

use redis::Pipeline;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::frame::Frame;
use super::hub::Hub;
use super::many::{self, Many};
use super::{Signal, Told, figures, hot, render};
use crate::infra::redis::PATIENT;
use crate::kernel::Result;
use crate::platform::Ctx;

/// What is rendered and told together.
const BATCH: usize = 64;

/// Something to tell.
#[derive(Debug)]
pub enum Post {
    /// An event of this epoch, and what it says if its writer had that at hand.
    Event(String, Told, Option<Value>),
    /// A signal.
    Signal(Signal),
    /// A signal to many channels.
    Many(Many),
}

/// Tells until `stop`, and what is left then.
pub(super) async fn run(
    ctx: Ctx,
    hub: Hub,
    mut posts: mpsc::UnboundedReceiver<Post>,
    stop: CancellationToken,
) {
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let got = tokio::select! {
            biased;
            got = posts.recv_many(&mut batch, BATCH) => got,
            () = stop.cancelled() => 0,
        };
        if got == 0 {
            return;
        }
        let began = Instant::now();
        if let Err(error) = tell(&ctx, &hub, std::mem::take(&mut batch)).await {
            // What is durable is found by the next sweep of every instance.
            tracing::warn!(?error, "something could not be told at once");
        }
        figures::told(began.elapsed(), got);
    }
}

async fn tell(ctx: &Ctx, hub: &Hub, batch: Vec<Post>) -> Result<()> {
    let (mut events, mut signals, mut manies) = (Vec::new(), Vec::new(), Vec::new());
    let mut epoch = String::new();
    for post in batch {
        match post {
            Post::Event(its_epoch, told, ready) => {
                epoch = its_epoch;
                events.push((told, ready));
            }
            Post::Signal(signal) => signals.push(signal),
            Post::Many(many) => manies.push(many),
        }
    }
    if !ctx.redis().is_up() {
        // Nobody else hears it, so what nobody here listens to is not worth rendering.
        events.retain(|(told, _)| hub.find_room(&told.channel).is_some());
    }
    let (events, ready): (Vec<Told>, Vec<Option<Value>>) = events.into_iter().unzip();
    let frames = render::frames_with(ctx, hub, &epoch, events.clone(), ready).await;
    // Events that cannot be told now are found in Postgres. Signals are nowhere else.
    let frames = frames.unwrap_or_else(|error| {
        tracing::warn!(?error, "events could not be rendered");
        Vec::new()
    });
    let now = ctx.now();
    let signals: Vec<Arc<Frame>> = signals
        .iter()
        .map(|signal| Frame::signal(signal, now).map(Arc::new))
        .collect::<Result<_>>()?;
    let mut pipe = Pipeline::new();
    for (told, frame) in events.iter().zip(&frames) {
        hot::add_event(&mut pipe, ctx, hub.pace(), &epoch, told, frame)?;
    }
    for frame in &signals {
        hot::add_signal(&mut pipe, ctx, frame)?;
    }
    for many in &manies {
        many::add(&mut pipe, ctx.redis(), many)?;
    }
    let is_told = pass_to_all(ctx, &pipe).await;
    if !is_told || !hub.is_listening() {
        // What comes by both ways is passed on once: it has its place.
        for frame in frames.into_iter().chain(signals) {
            hub.receive(ctx, frame);
        }
        for many in &manies {
            many::pass(ctx, hub, many);
        }
    }
    Ok(())
}

async fn pass_to_all(ctx: &Ctx, pipe: &Pipeline) -> bool {
    if pipe.is_empty() || !ctx.redis().is_up() {
        return false;
    }
    let told: std::result::Result<(), _> = ctx.redis().query_within(pipe, PATIENT).await;
    told.is_ok()
}
