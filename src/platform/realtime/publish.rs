//! How a write tells: inside its transaction, and after its commit.

use super::hub::Hub;
use super::{News, Offset, Signal, Told, store};
use crate::kernel::Result;
use crate::platform::{Ctx, Tx};

impl Tx {
    /// Appends to a stream inside this transaction, and tells it after the commit. It locks the
    /// stream's row: call it last, and for several streams in the order of their channels. A request
    /// writes one; inboxes are written by the job that follows.
    pub async fn publish(&mut self, news: News) -> Result<Offset> {
        let (now, op_id) = (self.now(), self.op_id().map(str::to_owned));
        let (epoch, offset) = store::append(self.conn(), &news, op_id.as_deref(), now).await?;
        let told = Told {
            channel: news.channel,
            offset,
            kind: news.kind.to_owned(),
            object_id: news.object_id,
            actor: news.actor,
            detail: news.detail,
            op_id,
            at: now,
        };
        self.after_commit(move |ctx| {
            if let Some(hub) = Hub::of(ctx) {
                hub.announce(epoch, told);
            }
        });
        Ok(offset)
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
