//! What a person should know of: what others did that concerns them, in a list, in counts, on their
//! devices and by mail.
//!
//! Owns the tables `notification`, `notification_item`, `mention_told`, `notification_marker`,
//! `notification_preference`, `notification_delivery` and `push_subscription`. It is the last of the
//! domains and is told by events: nobody knows that it exists. Invariants: nobody is told of what they
//! did themselves; a thing that happened is one item, however often its event is handled, and what is
//! undone leaves none; of a mention a person is told once, however often the text is edited; rows hold no content, and whether a person may see any of it is judged at each
//! read and once more before it is sent anywhere; read and seen never move back; a delivery is taken by
//! one worker at a time, and what two of them send is one notification on the device.

mod actions;
mod cache;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use actions::retry_deliveries;
pub use cache::{NOTIFICATION_MARKS, NOTIFICATIONS, SPACES};
pub use jobs::{Courier, jobs, start_courier};
pub use live::LIVE;
pub use model::{
    Channel, Deed, Happening, Kind, Lane, Subject, concerned_by_comment, concerned_by_post,
};
pub use routes::configure;
pub use store::CALLED;
pub use view::{Counts, Deliveries, RevivedDeliveries, counts, deliveries, vapid_public_key};
