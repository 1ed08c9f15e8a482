//! Where events go.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::kernel::UserId;
use crate::kernel::ids::Id as _;

/// The topic of inboxes.
pub const INBOX: &str = "user";

/// A topic and what it is about, written `user:{id}`, `conv:{id}`, `post:{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// The topic's name.
    pub topic: Cow<'static, str>,
    /// What it is about.
    pub id: Uuid,
}

impl Channel {
    /// The channel of `topic` about `id`.
    pub const fn new(topic: &'static str, id: Uuid) -> Self {
        Self {
            topic: Cow::Borrowed(topic),
            id,
        }
    }

    /// Whether it is somebody's inbox, which nobody else may listen to.
    pub fn is_inbox(&self) -> bool {
        self.topic == INBOX
    }
}

/// The inbox of a person.
pub fn inbox(user_id: UserId) -> Channel {
    Channel::new(INBOX, user_id.uuid())
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.topic, self.id)
    }
}

/// The text names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoChannel;

impl Serialize for Channel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Channel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let no_channel =
            |NoChannel| serde::de::Error::custom("a channel is a topic, a colon and an id");
        text.parse().map_err(no_channel)
    }
}

impl FromStr for Channel {
    type Err = NoChannel;

    fn from_str(text: &str) -> Result<Self, NoChannel> {
        let (topic, id) = text.split_once(':').ok_or(NoChannel)?;
        let plain = !topic.is_empty() && topic.len() <= 16;
        if !plain || !topic.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(NoChannel);
        }
        let id = Uuid::try_parse(id).map_err(|_not_an_id| NoChannel)?;
        Ok(Self {
            topic: Cow::Owned(topic.to_owned()),
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_read_as_it_is_written() {
        let text = "conv:01938b2f-5a00-7000-8000-000000000001";
        let channel: Channel = text.parse().expect("a channel");
        assert_eq!(channel.to_string(), text);
        assert_eq!(channel, Channel::new("conv", channel.id));
        for bad in [
            "",
            "conv",
            "conv:1",
            ":01938b2f-5a00-7000-8000-000000000001",
            "CONV:x",
        ] {
            assert!(bad.parse::<Channel>().is_err(), "{bad}");
        }
    }
}
