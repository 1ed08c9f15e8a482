//! The subscriber of a process: one connection to Redis for all channels that somebody here listens
//! to, made anew whenever it breaks or falls silent, and a probe of its own through the same way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;
use redis::Pipeline;
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::frame::Frame;
use super::hub::{Hub, millis};
use super::many::{self, MANY};
use super::{Channel, attendance, deliver, figures, hot, presence, session};
use crate::infra::redis::{PATIENT, Server};
use crate::platform::Ctx;

/// Channels in one command.
const AT_ONCE: usize = 500;
/// After a connection that failed.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What the subscriber is asked for.
#[derive(Debug)]
pub enum Change {
    /// Hear these channels, which have rooms, and say so when they are heard.
    Subscribe(Vec<Channel>, oneshot::Sender<()>),
    /// Hear these no more, unless they have rooms again.
    Unsubscribe(Vec<Channel>),
}

/// The subscriber.
pub(super) struct Bus {
    pub(super) ctx: Ctx,
    pub(super) hub: Hub,
    pub(super) server: Server,
    pub(super) changes: mpsc::UnboundedReceiver<Change>,
    /// The channel of this process's own probes.
    pub(super) canary: Channel,
    /// Whether Redis was heard before.
    pub(super) has_heard: bool,
    /// What all names in Redis begin with.
    pub(super) prefix: String,
}

impl Bus {
    /// The subscriber of this process.
    pub(super) fn new(
        ctx: Ctx,
        hub: Hub,
        server: Server,
        changes: mpsc::UnboundedReceiver<Change>,
    ) -> Self {
        let name = Uuid::from_bytes(ctx.ids().bytes());
        let prefix = ctx.redis().key("live:");
        Self {
            prefix,
            ctx,
            hub,
            server,
            changes,
            canary: Channel::new("canary", name),
            has_heard: false,
        }
    }

    /// Listens until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = self.listen() => heard,
            };
            self.hub.0.listening.store(false, Ordering::Relaxed);
            if let Err(error) = heard {
                tracing::debug!(%error, "Redis is not heard");
            }
            self.make_nothing();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Connects, subscribes to the channels of all rooms, and hears until it breaks.
    async fn listen(&mut self) -> anyhow::Result<()> {
        if !self.ctx.redis().is_up() {
            return Ok(());
        }
        let pubsub = tokio::time::timeout(PATIENT * 2, self.server.connect_to_hear()).await??;
        let (mut sink, mut stream) = pubsub.split();
        let canary = self.name(&self.canary);
        sink.subscribe(canary).await?;
        sink.subscribe(self.name(&MANY)).await?;
        let channels: Vec<Channel> = self.hub.rooms().keys().cloned().collect();
        self.subscribe(&mut sink, &channels).await?;
        let (now, probed) = (self.hub.now(), &self.hub.0.probed);
        let silent = now.saturating_sub(probed.swap(now, Ordering::Relaxed));
        self.hub.0.listening.store(true, Ordering::Relaxed);
        figures::subscribed();
        // What was told while nobody heard it, or is lost.
        self.hub.heard_nothing(&self.ctx, silent);
        if std::mem::replace(&mut self.has_heard, true) {
            attendance::doubt(&self.hub);
            presence::doubt(&self.hub);
        }
        self.hub.voided_all();
        deliver::sweep(&self.ctx, &self.hub).await?;
        self.hear(&mut sink, &mut stream).await
    }

    async fn hear(
        &mut self,
        sink: &mut PubSubSink,
        stream: &mut PubSubStream,
    ) -> anyhow::Result<()> {
        let mut probes = interval(self.hub.pace().canary());
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let silence = millis(self.hub.pace().canary()) * 2;
        loop {
            tokio::select! {
                message = stream.next() => {
                    let Some(message) = message else {
                        anyhow::bail!("the connection that hears Redis broke");
                    };
                    self.take(&message);
                }
                change = self.changes.recv() => {
                    let Some(change) = change else { return Ok(()) };
                    self.make(sink, change).await?;
                }
                _ = probes.tick() => {
                    let heard = self.hub.0.probed.load(Ordering::Relaxed);
                    if self.hub.now().saturating_sub(heard) > silence && self.ctx.redis().is_up() {
                        anyhow::bail!("no probe came back");
                    }
                    self.probe().await;
                }
            }
        }
    }

    fn take(&self, message: &redis::Msg) {
        let name = message.get_channel_name().strip_prefix(&self.prefix);
        let Some(channel) = name.and_then(|name| name.parse::<Channel>().ok()) else {
            return;
        };
        let payload = message.get_payload_bytes();
        if channel == self.canary {
            self.probed(payload);
        } else if channel == MANY {
            many::hear(&self.ctx, &self.hub, payload);
        } else if let Some(words) = payload.strip_prefix(session::MARK) {
            session::hear(&self.ctx, &self.hub, &channel, words);
        } else if let Some(by) = payload.strip_prefix(attendance::MARK) {
            attendance::heard(&self.hub, &channel, by);
        } else if let Some(word) = payload.strip_prefix(presence::MARK) {
            presence::hear(&self.ctx, &self.hub, &channel, word);
        } else if let Some(frame) = Frame::from_wire(channel, payload) {
            self.hub.receive(&self.ctx, Arc::new(frame));
        }
    }

    /// Sends a probe the way that everything goes.
    async fn probe(&self) {
        let mut pipe = Pipeline::new();
        let name = self.name(&self.canary);
        pipe.cmd("PUBLISH").arg(name).arg(self.hub.now()).ignore();
        let sent: Result<(), _> = self.ctx.redis().query_within(&pipe, PATIENT).await;
        if let Err(error) = sent {
            tracing::debug!(%error, "a probe could not be sent");
        }
    }

    fn probed(&self, payload: &[u8]) {
        let now = self.hub.now();
        self.hub.0.probed.store(now, Ordering::Relaxed);
        let sent = std::str::from_utf8(payload)
            .ok()
            .and_then(|at| at.parse::<u64>().ok());
        if let Some(sent) = sent {
            figures::probe_lag(now.saturating_sub(sent));
        }
    }

    /// Makes a change, with whatever else was asked for meanwhile in the same command.
    async fn make(&mut self, sink: &mut PubSubSink, first: Change) -> anyhow::Result<()> {
        let (mut listen, mut leave, mut done) = (Vec::new(), Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(change) = next {
            match change {
                Change::Subscribe(channels, told) => {
                    listen.extend(channels);
                    done.push(told);
                }
                Change::Unsubscribe(channels) => leave.extend(channels),
            }
            next = self.changes.try_recv().ok();
        }
        // Of what was asked for in the meantime the rooms that there are now say what holds.
        listen.retain(|channel| self.hub.find_room(channel).is_some());
        leave.retain(|channel| self.hub.find_room(channel).is_none());
        self.subscribe(sink, &listen).await?;
        for channels in leave.chunks(AT_ONCE) {
            let names: Vec<String> = channels.iter().map(|channel| self.name(channel)).collect();
            sink.unsubscribe(&names).await?;
        }
        for told in done {
            // Whoever asked may have gone.
            told.send(()).unwrap_or_default();
        }
        Ok(())
    }

    /// Nobody waits for a Redis that is away. When it is back, all rooms are heard.
    fn make_nothing(&mut self) {
        while let Ok(change) = self.changes.try_recv() {
            if let Change::Subscribe(_, told) = change {
                told.send(()).unwrap_or_default();
            }
        }
    }

    async fn subscribe(&self, sink: &mut PubSubSink, channels: &[Channel]) -> anyhow::Result<()> {
        for some in channels.chunks(AT_ONCE) {
            let names: Vec<String> = some.iter().map(|channel| self.name(channel)).collect();
            sink.subscribe(&names).await?;
        }
        Ok(())
    }

    fn name(&self, channel: &Channel) -> String {
        hot::topic_of(self.ctx.redis(), channel)
    }
}
