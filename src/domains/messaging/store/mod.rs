//! All SQL of messaging.

mod contacts;
mod conversations;
mod lists;
mod marks;
mod members;
mod messages;

use crate::domains::messaging::model::{Action, ConversationKind, MemberRole, MemberState};
use crate::stored_words;

pub use contacts::*;
pub use conversations::*;
pub use lists::*;
pub use marks::*;
pub use members::*;
pub use messages::*;

stored_words!(ConversationKind, MemberRole, MemberState, Action);
