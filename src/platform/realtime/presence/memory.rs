//! Whether Redis knows everybody who is there: one that was emptied, or began anew, does once every
//! instance has said again who is.

use std::sync::Mutex;

use crate::platform::realtime::hub::lock;

/// What this process knows of the memory of Redis.
#[derive(Debug, Default)]
pub(in crate::platform::realtime) struct Memory(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The one that was seen in the last look, if Redis answered.
    seen: Option<String>,
    /// The one in which everybody is known; none before the first was seen.
    trusted: Option<String>,
    /// Whether instances are still saying who is there.
    is_settling: bool,
}

impl Memory {
    /// Takes note of what Redis holds, or that it did not answer.
    pub(super) fn see(&self, memory: Option<String>) {
        lock(&self.0).seen = memory;
    }

    /// What was seen in the last look.
    pub(super) fn seen(&self) -> Option<String> {
        lock(&self.0).seen.clone()
    }

    /// Whether one was trusted at any time.
    pub(super) fn is_known(&self) -> bool {
        lock(&self.0).trusted.is_some()
    }

    /// Instances have to say first who is there.
    pub(super) fn settle(&self) {
        lock(&self.0).is_settling = true;
    }

    /// Everybody is known in this one.
    pub(super) fn trust(&self, memory: String) {
        let mut known = lock(&self.0);
        known.trusted = Some(memory);
        known.is_settling = false;
    }

    /// Whether instances are still saying who is there.
    pub(super) fn is_settling(&self) -> bool {
        lock(&self.0).is_settling
    }

    /// Whether somebody of whom this one knows nothing may be there.
    pub(super) fn is_doubted(&self, memory: &str) -> bool {
        let known = lock(&self.0);
        let is_other = (known.trusted.as_deref()).is_some_and(|trusted| trusted != memory);
        is_other || known.is_settling
    }
}
