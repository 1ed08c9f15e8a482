//! All SQL of sign-in: credentials, links in mails, the security log.

mod credentials;
mod mail_tokens;
mod security_events;

pub use credentials::*;
pub use mail_tokens::*;
pub use security_events::*;
