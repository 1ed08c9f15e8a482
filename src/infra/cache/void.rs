//! Voiding: new stamps for tags, then a number in the sequence.

use std::time::{Duration, Instant};

use redis::Pipeline;

use super::entry::Stamp;
use super::l2::{STATE_LIFE, VOID, millis};
use super::{Cache, Witnessed};
use crate::infra::redis::PATIENT;

/// What this process voided lately is voided again on a new connection.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Most voids that are remembered.
const MOST_REMEMBERED: usize = 4_096;
/// Most tags in one void; more are several voids.
pub(super) const MOST_TAGS: usize = 512;

impl Cache {
    /// Makes every entry with one of these tags void, in every layer and every process. Called
    /// after the commit that changed the rows, and before anybody is told of it. Says whether Redis
    /// knows; if not, the others learn of it from the table of voids.
    pub async fn void(&self, tags: &[String]) -> bool {
        if tags.is_empty() {
            return true;
        }
        self.remember_void(tags);
        let mut known = true;
        for some in tags.chunks(MOST_TAGS) {
            known &= self.void_together(some).await;
            let tags: Vec<&str> = some.iter().map(String::as_str).collect();
            self.tell_witness(&Witnessed::Tags(&tags));
        }
        known
    }

    pub(super) async fn void_some(&self, tags: &[String]) -> bool {
        // Twice: once more when another epoch has begun since this process looked.
        for _attempt in 0..2 {
            let ledger = self.0.ledger.load_full();
            let codes = self.0.tags.codes(tags);
            let Some(epoch) = self.shared_epoch(&ledger) else {
                ledger.void_alone(&codes);
                return false;
            };
            let mut pipe = Pipeline::new();
            self.add_void(&mut pipe, epoch, tags);
            match self
                .0
                .redis
                .query_within::<((String, u64),)>(&pipe, PATIENT)
                .await
            {
                Ok(((said, number),)) if said.parse() == Ok(epoch) => {
                    ledger.mark(number, &codes);
                    return true;
                }
                Ok(((said, number),)) => {
                    self.take_epoch(&ledger, &said, number);
                }
                Err(_away) => {
                    // Whether Redis did it is not known. This process goes on without it until a
                    // new connection has been told of every recent void.
                    ledger.void_alone(&codes);
                    self.0.redis.reconnect();
                    return false;
                }
            }
        }
        false
    }

    /// The commands of a void: stamps first, so that whoever learns of the number finds them. A stamp that
    /// nobody has made is void already, and whoever makes it loads after that.
    pub(super) fn add_void(&self, pipe: &mut Pipeline, epoch: i64, tags: &[String]) {
        for tag in tags {
            let stamp: Stamp = rand::random();
            pipe.cmd("SET")
                .arg(self.stamp_key(epoch, tag))
                .arg(&stamp[..])
                .arg("XX")
                .arg("PX")
                .arg(millis(self.0.stamp_life))
                .ignore();
        }
        pipe.cmd("EVALSHA")
            .arg(VOID.get_hash())
            .arg(2)
            .arg(self.state_key())
            .arg(self.stream_key(epoch))
            .arg(epoch)
            .arg(tags.join("\n"))
            .arg(millis(STATE_LIFE));
    }

    fn remember_void(&self, tags: &[String]) {
        let mut recent = self.lock_recent();
        let now = Instant::now();
        while recent.len() >= MOST_REMEMBERED
            || recent
                .front()
                .is_some_and(|(at, _)| now.duration_since(*at) > REMEMBERED)
        {
            recent.pop_front();
        }
        recent.push_back((now, tags.into()));
    }

    /// What this process voided within the last minute.
    pub(super) fn recent_voids(&self) -> Vec<String> {
        let now = Instant::now();
        self.voids_since(now.checked_sub(REMEMBERED).unwrap_or(now))
    }

    /// What this process voided from that instant on.
    pub(super) fn voids_since(&self, since: Instant) -> Vec<String> {
        let recent = self.lock_recent();
        let mut tags: Vec<String> = recent
            .iter()
            .filter(|(at, _)| *at >= since)
            .flat_map(|(_, tags)| tags.iter().cloned())
            .collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn lock_recent(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::VecDeque<(Instant, std::sync::Arc<[String]>)>>
    {
        self.0
            .recent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
