//! Finding people: search by name, and suggestions while somebody types.
//!
//! Owns no tables. Nobody is found who is hidden from the one who searches, or who does not want to
//! be found.

mod routes;
mod store;
mod view;

pub use routes::{LIMITS, configure};
