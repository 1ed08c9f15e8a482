//! What this process knows of voids: the last one that it applied, and for each tag the last that
//! named it.
//!
//! A ledger belongs to one epoch and one unbroken sequence: after a gap there is a new one, and every
//! entry that was stored under the old one is gone with it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::marks::{Marks, TagCode};

/// An unbroken stretch of voids.
pub(super) struct Ledger {
    /// Tells ledgers of this process apart.
    pub(super) id: u64,
    /// The epoch in Redis; `None` while this process is on its own.
    pub(super) epoch: Option<i64>,
    applied: AtomicU64,
    marks: Marks,
}

/// A moment in a ledger: what was read after it knows every void up to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub(super) ledger: u64,
    pub(super) sequence: u64,
}

impl Ledger {
    pub(super) fn new(id: u64, epoch: Option<i64>, sequence: u64) -> Self {
        Self {
            id,
            epoch,
            applied: AtomicU64::new(sequence),
            marks: Marks::new(),
        }
    }

    /// The last void that was applied.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Now.
    pub(super) fn moment(&self) -> Moment {
        Moment {
            ledger: self.id,
            sequence: self.applied(),
        }
    }

    /// Whether what was read at `moment` is untouched by every void that is known.
    pub(super) fn holds(&self, moment: Moment, tags: &[TagCode]) -> bool {
        moment.ledger == self.id
            && (tags.iter()).all(|tag| self.marks.last(*tag) <= moment.sequence)
    }

    /// Notes that void number `sequence` named these tags, without claiming to know all before it.
    pub(super) fn mark(&self, sequence: u64, tags: &[TagCode]) {
        for tag in tags {
            self.marks.mark(*tag, sequence);
        }
    }

    /// Every void up to `sequence` has been marked. Called after the marks, so that whoever sees the
    /// new position sees them too.
    pub(super) fn advance(&self, sequence: u64) {
        self.applied.fetch_max(sequence, Ordering::AcqRel);
    }

    /// A void that only this process knows of. The position stays where it is if others count on the
    /// same sequence: the number is theirs to give, and whoever passed it would miss their void.
    /// Until they do, L1 answers nothing under these tags.
    pub(super) fn void_alone(&self, tags: &[TagCode]) {
        let sequence = self.applied() + 1;
        self.mark(sequence, tags);
        if self.epoch.is_none() {
            self.advance(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_void_ends_what_was_read_before_it_and_nothing_else() {
        let ledger = Ledger::new(1, Some(1), 10);
        let before = ledger.moment();
        ledger.mark(11, &[7]);
        ledger.advance(11);
        assert!(!ledger.holds(before, &[3, 7]), "named");
        assert!(ledger.holds(before, &[3]), "not named");
        assert!(ledger.holds(ledger.moment(), &[7]), "read afterwards");
    }

    #[test]
    fn a_mark_counts_before_the_position_reaches_it() {
        let ledger = Ledger::new(1, Some(1), 10);
        ledger.mark(15, &[7]);
        assert!(
            !ledger.holds(ledger.moment(), &[7]),
            "voids 11 to 14 are not known yet"
        );
        ledger.advance(15);
        assert!(ledger.holds(ledger.moment(), &[7]));
    }

    #[test]
    fn nothing_survives_its_ledger() {
        let old = Ledger::new(1, Some(1), 10).moment();
        let next = Ledger::new(2, Some(2), 0);
        assert!(!next.holds(old, &[7]));
    }
}
