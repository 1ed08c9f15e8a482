//! What conversations tell live: the topic `conv`, how its events are rendered, what frames mean.

mod catalogue;
mod commands;
mod inbox;
mod news;
mod render;
mod topic;

pub use inbox::{Stir, changed_since, tell_caught_up, tell_everybody, tell_one, tell_own};
pub use news::{
    Done, RECEIPT_KINDS, tell_arrival, tell_joined, tell_left, tell_made, tell_message,
    tell_reaction, tell_reading, tell_update,
};

use crate::platform::realtime::{Live, Rendering};

/// What this domain says.
pub const LIVE: Live = Live {
    topics: &[topic::CONVERSATIONS],
    snapshots: &[],
    renderings: &[Rendering {
        kinds: news::KINDS,
        render: render::render,
    }],
    commands: commands::COMMANDS,
    events: catalogue::EVENTS,
};
