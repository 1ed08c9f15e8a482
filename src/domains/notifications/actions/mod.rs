//! What is written: what happened, what was undone, how far a person has looked, what they want, and
//! where it goes.

mod devices;
mod looked;
mod preferences;
mod tell;

pub use devices::{NewSubscription, end_mail, retry_deliveries, subscribe, unsubscribe};
pub use looked::{UpTo, delete_notification, mark_all_read, mark_read, mark_seen};
pub use preferences::{PreferenceChange, set_preferences};
pub use tell::{forget, notice};
