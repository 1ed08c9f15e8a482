//! How a write tells: inside its transaction, and after its commit.

use serde_json::Value;

use super::hub::Hub;
use super::{News, Signal, Told};
use crate::platform::write::closing::Line;
use crate::platform::{Ctx, Tx};

impl Tx {
    /// Appends to a stream as the last thing in this transaction, and tells it after the commit. Inboxes
    /// are written by the job that follows.
    pub fn publish(&mut self, news: News) {
        self.tell_later(news, None);
    }

    /// The same, by a writer that has at hand what the event says to everybody, as the rendering of its
    /// kind would say it: nothing is read again before it is told. Whoever comes back later is given
    /// what is true by then.
    pub fn publish_ready(&mut self, news: News, d: Value) {
        self.tell_later(news, Some(d));
    }

    fn tell_later(&mut self, news: News, ready: Option<Value>) {
        let (at, op_id) = (self.now(), self.op_id().map(str::to_owned));
        let line = Line {
            topic: news.channel.topic.clone(),
            id: news.channel.id,
            kind: news.kind,
            object_id: news.object_id,
            actor_id: news.actor,
            detail: (!news.detail.is_null()).then(|| news.detail.clone()),
            op_id: op_id.clone(),
        };
        self.append(line, move |ctx, epoch, offset| {
            let Some(hub) = Hub::of(ctx) else { return };
            let told = Told {
                channel: news.channel,
                offset,
                kind: news.kind.to_owned(),
                object_id: news.object_id,
                actor: news.actor,
                detail: news.detail,
                op_id,
                at,
            };
            hub.announce(epoch.to_owned(), told, ready);
        });
    }

    /// Tells after the commit and keeps nothing.
    pub fn signal(&mut self, signal: Signal) {
        self.after_commit(move |ctx| {
            if let Some(hub) = Hub::of(ctx) {
                hub.signal(signal);
            }
        });
    }
}

/// Tells at once and keeps nothing: for what follows no transaction.
pub fn tell(ctx: &Ctx, signal: Signal) {
    if let Some(hub) = Hub::of(ctx) {
        hub.signal(signal);
    }
}
