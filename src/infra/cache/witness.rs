//! Whoever wants to know of voids as this process learns of them.

use serde::{Deserialize, Serialize};

use super::{Cache, Mode};

/// How far the voids of an epoch are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownVoids(i64, u64);

impl KnownVoids {
    /// Whether whoever knows this knows all that `other` does.
    pub fn covers(self, other: Self) -> bool {
        self.0 == other.0 && self.1 >= other.1
    }
}

/// What was learnt.
#[derive(Debug)]
pub enum Witnessed<'a> {
    /// These tags were voided. The same void may be told twice.
    Tags(&'a [&'a str]),
    /// Some voids were missed: any tag may have been among them.
    Gap,
}

/// Is told, at once and often: it must be quick.
pub type Witness = Box<dyn Fn(&Witnessed<'_>) + Send + Sync>;

impl Cache {
    /// Has `witness` told of voids from now on; there is one.
    pub fn set_witness(&self, witness: Witness) {
        self.0.witness.set(witness).unwrap_or_default();
    }

    pub(super) fn tell_witness(&self, witnessed: &Witnessed<'_>) {
        if let Some(witness) = self.0.witness.get() {
            witness(witnessed);
        }
    }

    /// How far this process knows the voids of all; `None` where it follows none. Whoever is told of them has
    /// been told of these.
    pub fn known_voids(&self) -> Option<KnownVoids> {
        let ledger = self.0.ledger.load();
        let epoch = self.shared_epoch(&ledger)?;
        (self.0.mode != Mode::Off).then(|| KnownVoids(epoch, ledger.applied()))
    }

    /// Whether voids of other processes are told: not without Redis, and not while nothing is read
    /// from the cache.
    pub fn follows_voids(&self) -> bool {
        self.0.mode != Mode::Off && self.knows_voids(&self.0.ledger.load())
    }
}
