//! Rate limits: how often something may be done in a window of time.
//!
//! A [`Policy`] is data: a name, a quota, a window and whom it counts by. What it limits is not known
//! here; a caller brings a policy and a key, and several of them are charged together or not at all.
//!
//! A key's calls are counted in sub-windows of a tenth of the window. What counts now is the sub-window
//! under way and the ten before it, the oldest of them in full although a part of it is out of the
//! window already. So in any window, wherever it begins, no more than the quota passes; a call counts
//! for at most a tenth longer than it must; a refusal is charged nothing; and a key never takes more
//! than a few small numbers.
//!
//! The same is written twice: in Lua, where several processes count together in Redis by its clock
//! ([`LUA_LIMIT`]), and in Rust for one process by itself. A test holds the two equal.

mod limiter;
mod local;
mod script;
mod server;
mod window;

use std::time::Duration;

pub use limiter::{Limiter, Question, Tally};
pub use local::Local;
pub use script::{LUA_GIVE_BACK, LUA_LIMIT, LUA_TAKE, SCRIPTS};
pub use server::{Connection, Server};

/// Whom a policy counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    /// Whoever is signed in, else the address.
    Caller,
    /// The address.
    Address,
    /// The account that a request names, whether or not there is one.
    Account,
}

/// A limit, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its name in headers, keys and figures.
    pub name: &'static str,
    /// What it allows unless the operator says otherwise.
    pub figures: Figures,
    /// Whom it counts by.
    pub keyed: Keyed,
    /// It never forgets a key to make room for another.
    pub strict: bool,
}

/// So many calls in so much time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many calls pass; at least one.
    pub quota: u32,
    /// In what time; at least a tenth of a second.
    pub window: Duration,
}

impl Figures {
    /// The window in milliseconds, as the script takes it.
    pub fn window_ms(self) -> u64 {
        u64::try_from(self.window.as_millis())
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

/// A policy and whom it is to count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// The policy.
    pub policy: &'static Policy,
    /// Whom it counts, in a form that may be stored.
    pub key: String,
}

impl Check {
    /// Where its calls are counted.
    pub fn place(&self) -> String {
        format!("{}:{}", self.policy.name, self.key)
    }
}

/// What a policy says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Whether this policy lets it pass. It was charged only if all that were asked do.
    pub allowed: bool,
    /// How many more would pass now.
    pub remaining: u32,
    /// Milliseconds until more would pass than now; zero when nothing is counted.
    pub reset_ms: u64,
    /// The sub-window that was charged.
    pub slot: u64,
}

/// What a policy says to a call, and about whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was asked.
    pub check: Check,
    /// The policy's figures in effect.
    pub figures: Figures,
    /// The answer.
    pub state: State,
}
