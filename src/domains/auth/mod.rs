//! How people come in: registration, passwords, sign-in, sessions as their owner sees them, links in
//! mails, and the security log.
//!
//! Owns the tables `credential`, `mail_token` and `security_event`; sessions and their tokens are
//! `platform::sessions`. Invariants: no password is hashed inside a transaction; a session is opened
//! only while the password hash that was verified is still the stored one; sign-in, reset and resend
//! answer the same, in the same time, whether or not there is such an account; a link's token is
//! made by the job that mails it, so that it is stored nowhere but as a hash.
//!
//! Listing and ending sessions wants no fresh password: whoever holds a session gave it there, and
//! ending sessions only ever takes access away.

mod actions;
mod events;
mod jobs;
mod model;
mod routes;
mod store;
mod view;

pub use actions::{NewUser, create_user, hash_password, issue_session, mark_email_verified};
pub use events::{AccountDeleted, CameIn, PasswordReplaced, events};
pub use jobs::jobs;
pub use model::{Email, MAX_PASSWORD, MIN_PASSWORD, Password};
pub use routes::{LIMITS, configure, configure_pages};
