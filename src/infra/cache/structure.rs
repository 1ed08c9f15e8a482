//! For structures that live in Redis beside the entries: their keys lie under the epoch, and the
//! stamps of tags say whether they still count, as they do for entries.

use std::fmt;
use std::time::Duration;

use redis::Pipeline;

use super::Cache;
use super::l2::millis;
use crate::infra::redis::Away;

pub use super::entry::Stamp;

impl Cache {
    /// The epoch that this process shares with the others; `None` while it is on its own. Writers
    /// go by it in every mode, because others may read what they change.
    pub fn epoch(&self) -> Option<i64> {
        self.shared_epoch(&self.0.ledger.load())
    }

    /// The same for readers, who look at Redis in one mode only.
    pub fn epoch_to_read(&self) -> Option<i64> {
        self.shelf(&self.0.ledger.load()).map(|shelf| shelf.0)
    }

    /// The key of a structure. Its name is no space's.
    pub fn structure_key(&self, epoch: i64, name: impl fmt::Display) -> String {
        self.0.redis.key(format_args!("{epoch}:{name}"))
    }

    /// Where the stamp of a tag lies. A structure that carries another one no longer counts.
    pub fn tag_key(&self, epoch: i64, tag: &str) -> String {
        self.stamp_key(epoch, tag)
    }

    /// The stamps of some tags as they are now, to be taken before what a structure is built from is
    /// read. Missing ones are made. All of them stay for `life` at least.
    pub async fn stamps<const N: usize>(
        &self,
        epoch: i64,
        tags: &[String; N],
        life: Duration,
    ) -> Result<[Stamp; N], Away> {
        let mut pipe = Pipeline::new();
        let fresh: [Stamp; N] = std::array::from_fn(|_| rand::random());
        for (tag, stamp) in tags.iter().zip(&fresh) {
            pipe.cmd("SET")
                .arg(self.stamp_key(epoch, tag))
                .arg(&stamp[..])
                .arg("NX")
                .arg("GET");
        }
        for tag in tags {
            let key = self.stamp_key(epoch, tag);
            // Never shorter than it is, and never for good.
            pipe.cmd("PEXPIRE").arg(&key).arg(millis(life)).arg("NX");
            pipe.cmd("PEXPIRE").arg(&key).arg(millis(life)).arg("GT");
        }
        let replies: Vec<redis::Value> = self.0.redis.query(&pipe).await?;
        let mut stamps = fresh;
        for (stamp, earlier) in stamps.iter_mut().zip(replies) {
            if let redis::Value::BulkString(earlier) = earlier
                && let Ok(earlier) = Stamp::try_from(earlier.as_slice())
            {
                *stamp = earlier;
            }
        }
        Ok(stamps)
    }
}
