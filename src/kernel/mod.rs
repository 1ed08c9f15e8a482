//! Pure vocabulary: ids, time, errors, cursors, text and words. No IO, no actix, no SQL.

pub mod clock;
pub mod cursor;
mod distinct;
pub mod error;
mod gathered;
mod hex;
pub mod ids;
pub mod kept;
pub mod mac;
pub mod page;
pub mod text;
mod token;
pub mod words;

pub use clock::{Clock, Timestamp};
pub use distinct::distinct;
pub use error::{Code, Error, FieldError, Kind, Result};
pub use gathered::gathered;
pub use hex::hex;
pub use ids::{
    AnnouncementId, CircleId, CommentId, ConversationId, FriendRequestId, IdFactory, JobId,
    MessageId, NotificationId, PostId, SecurityEventId, SessionId, UserId,
};
pub use token::OpaqueToken;
pub use words::UnknownWord;
