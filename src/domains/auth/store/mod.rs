//! All SQL of sign-in: credentials, links in mails, the security log.

mod credentials;
mod mail_tokens;
mod security_events;

use super::model::EventKind;
use crate::stored_words;

pub use credentials::*;
pub use mail_tokens::*;
pub use security_events::*;

stored_words!(EventKind);
