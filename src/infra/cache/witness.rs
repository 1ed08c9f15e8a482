//! Whoever wants to know of voids as this process learns of them.

use super::{Cache, Mode};

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

    /// Whether voids of other processes are told: not without Redis, and not while nothing is read
    /// from the cache.
    pub fn follows_voids(&self) -> bool {
        self.0.mode != Mode::Off && self.knows_voids(&self.0.ledger.load())
    }
}
