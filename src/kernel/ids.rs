//! A type per id. All are `UUIDv7` (RFC 9562): ordered by time of creation, so that rows made
//! together lie together; jobs made of events, which Postgres makes, have random ones. An id is public and never a secret.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::clock::Timestamp;

/// What every id type can do.
pub trait Id: Copy + Eq + std::hash::Hash + Send + Sync + fmt::Display + 'static {
    /// Gives a UUID its meaning.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The bare UUID.
    fn uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid, example = "01938b2f-5a00-7000-8000-000000000001")]
        pub struct $name(Uuid);

        impl Id for $name {
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A person's account.
    UserId,
    /// A signed-in device.
    SessionId,
    /// A line of a person's security log.
    SecurityEventId,
    /// A request for friendship.
    FriendRequestId,
    /// A private list of friends.
    CircleId,
    /// A post.
    PostId,
    /// A comment, or a reply to one.
    CommentId,
    /// A conversation of two people or of a group.
    ConversationId,
    /// A message in a conversation.
    MessageId,
    /// A notification, or one thing among those that it stands for.
    NotificationId,
    /// Something that operators tell everybody.
    AnnouncementId,
    /// A piece of background work.
    JobId,
}

/// Makes ids and other random values from one injected generator.
#[derive(Clone)]
pub struct IdFactory {
    rng: Arc<Mutex<StdRng>>,
}

impl IdFactory {
    /// A generator seeded by the operating system.
    pub fn from_os() -> Self {
        Self::with_rng(rand::make_rng())
    }

    /// A generator that repeats itself for the same seed: for demo data and tests.
    pub fn seeded(seed: u64) -> Self {
        Self::with_rng(StdRng::seed_from_u64(seed))
    }

    fn with_rng(rng: StdRng) -> Self {
        Self {
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// A new id whose time part is `now`.
    pub fn new_id<I: Id>(&self, now: Timestamp) -> I {
        let millis = u64::try_from(now.micros() / 1_000).unwrap_or_default();
        let random: [u8; 10] = self.bytes();
        I::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// Bytes nobody can guess, as good as the generator's seed.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut bytes);
        bytes
    }
}
