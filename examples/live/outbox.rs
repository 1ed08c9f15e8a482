//! What a client does by frames: once, however often it has to send them, and shown once, although it is answered and
//! told as an event.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names that are remembered until their events come.
const MOST: usize = 64;

/// Something that this client does, under a name that it gives to nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The name: `op_id` of the frame, and of the event that follows from it.
    pub op_id: String,
    /// What is to be done: `message.send`, for one.
    pub op: String,
    /// Its content.
    pub d: Value,
}

/// What was said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outbox {
    /// Nobody knows yet whether it was done.
    waiting: Vec<Said>,
    /// What was shown by its reply, and whose event may follow.
    done: VecDeque<String>,
}

impl Outbox {
    /// Takes something that is to be done.
    pub fn add(&mut self, said: Said) {
        self.waiting.push(said);
    }

    /// What is to be sent, again after each reconnect, in the order in which it was said.
    pub fn waiting(&self) -> &[Said] {
        &self.waiting
    }

    /// It was answered; gives it, unless its event has said already that it is done.
    pub fn answered(&mut self, op_id: &str) -> Option<Said> {
        let place = self.waiting.iter().position(|said| said.op_id == op_id)?;
        Some(self.waiting.remove(place))
    }

    /// The same of what was done, and is shown by its reply.
    pub fn done(&mut self, op_id: &str) -> Option<Said> {
        let said = self.answered(op_id)?;
        self.done.push_back(op_id.to_owned());
        if self.done.len() > MOST {
            self.done.pop_front();
        }
        Some(said)
    }

    /// An event says that it was done; says whether that is news.
    pub fn told(&mut self, op_id: &str) -> bool {
        if let Some(place) = self.done.iter().position(|done| done == op_id) {
            self.done.remove(place);
            return false;
        }
        // No answer is needed any more.
        self.answered(op_id);
        true
    }
}
