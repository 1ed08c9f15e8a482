//! Long jobs: how far one has come is saved with the work itself, and the next attempt goes on from
//! there.

use serde::Serialize;

use super::queue;
use crate::infra::db::Conn;
use crate::kernel::{Error, JobId, Result};

/// How an attempt of a long job ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The job is done.
    Done,
    /// It goes on from what it saved, after others have had their turn.
    Again,
}

/// An attempt's hold on its row.
#[derive(Debug, Clone)]
pub struct Progress {
    pub(super) id: JobId,
    pub(super) attempts: i32,
    pub(super) resumed: bool,
}

impl Progress {
    /// Whether nothing is saved yet: the payload is what the job was queued with.
    pub fn is_first(&self) -> bool {
        !self.resumed
    }

    /// Makes `state` the job's payload, as part of the caller's transaction: the work of this step
    /// and the note that it is done exist together or not at all. It locks the job's row, so it
    /// comes last in the transaction. An attempt that saved something is the job's first again.
    ///
    /// Fails when another worker has taken the job since: the transaction must not commit then, or
    /// a step would be done twice.
    pub async fn save<S: Serialize + Sync>(&self, conn: &mut Conn, state: &S) -> Result<()> {
        let payload = serde_json::to_value(state).map_err(Error::internal)?;
        if queue::save(conn, self.id, self.attempts, &payload).await? {
            return Ok(());
        }
        Err(Error::internal(anyhow::anyhow!(
            "another worker has taken this job"
        )))
    }
}
