//! All SQL of notifications.

mod deliveries;
mod facts;
mod groups;
mod marks;
mod record;
mod subscriptions;

pub use deliveries::*;
pub use facts::*;
pub use groups::*;
pub use marks::*;
pub use record::*;
pub use subscriptions::*;
