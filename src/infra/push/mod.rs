//! Web Push (RFC 8030): encrypted messages (RFC 8291) to a device through the push service of its
//! browser, signed so that the service knows who sends (VAPID, RFC 8292).
//!
//! An address is what a client says it is, so requests go to public addresses only: the name is
//! resolved here, and what resolves to a private network is refused when the connection is made.

mod address;
mod encrypt;
mod sender;
mod turns;
mod vapid;

pub use address::{Faulty, check_endpoint, is_public};
pub use encrypt::{Keys, MAX_PAYLOAD};
pub use sender::{Push, Refused, Sender, Urgency};
pub use vapid::Vapid;
