//! When sessions were last used. Every request notes it in the process, and it is written for all of
//! them together. It is no part of what decides whether a session counts: writing it late changes
//! nothing but what people read in the list of their devices.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use tokio_util::sync::CancellationToken;

use super::store;
use crate::infra::write_behind::WriteBehind;
use crate::kernel::{SessionId, Timestamp};
use crate::platform::Ctx;

/// Between two writes.
const EVERY: Duration = Duration::from_secs(30);
/// Most sessions that are noted between two writes; beyond that a use is not noted.
const MOST: usize = 100_000;

/// The last uses that this process has seen and not written yet.
#[derive(Debug, Clone)]
pub struct Activity(Arc<WriteBehind<SessionId, Timestamp>>);

impl Default for Activity {
    fn default() -> Self {
        Self(Arc::new(WriteBehind::new("last activity", MOST)))
    }
}

impl Activity {
    /// Notes that a session was used. Losing it is harmless, so a full buffer is no error.
    pub fn note(&self, session_id: SessionId, now: Timestamp) {
        self.0.put(session_id, now).unwrap_or_default();
    }

    /// When a session was last used, as far as this process knows.
    pub fn last(&self, session_id: SessionId, written: Timestamp) -> Timestamp {
        let noted = self.0.get(&session_id);
        noted.map_or(written, |noted| noted.max(written))
    }

    /// Writes what was noted until `stop`, and a last time then.
    pub async fn run(self, ctx: Ctx, stop: CancellationToken) {
        let write = |uses| {
            let ctx = ctx.clone();
            async move { store::note_uses(&mut *ctx.conn().await?, uses).await }
        };
        self.0.run(EVERY, stop, write).await;
    }

    /// That of the application that serves `request`.
    pub(super) fn of(request: &HttpRequest) -> Option<&Self> {
        request
            .app_data::<web::Data<Self>>()
            .map(web::Data::get_ref)
    }
}
