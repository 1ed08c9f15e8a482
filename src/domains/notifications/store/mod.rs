//! All SQL of notifications.

mod deliveries;
mod facts;
mod groups;
mod marks;
mod record;
mod subscriptions;

use crate::domains::notifications::model::{Channel, DeliveryState, Kind, Lane};
use crate::stored_words;

pub use deliveries::*;
pub use facts::*;
pub use groups::*;
pub use marks::*;
pub use record::*;
pub use subscriptions::*;

stored_words!(Channel, DeliveryState, Kind, Lane);
