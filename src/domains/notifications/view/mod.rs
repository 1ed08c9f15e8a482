//! What people see of notifications, judged at each read.

mod counts;
mod deliveries;
mod devices;
mod judge;
mod list;
mod preferences;
mod shape;

pub use counts::{Counts, counts};
pub use deliveries::{Deliveries, RevivedDeliveries, deliveries};
pub use devices::{PushSubscription, vapid_public_key};
pub use list::{Grouping, one, page, some};
pub use preferences::{PreferenceTable, preferences};
pub use shape::Notification;
