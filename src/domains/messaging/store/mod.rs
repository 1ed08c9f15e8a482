//! All SQL of messaging.

mod contacts;
mod conversations;
mod lists;
mod marks;
mod members;
mod messages;
mod words;

pub use contacts::*;
pub use conversations::*;
pub use lists::*;
pub use marks::*;
pub use members::*;
pub use messages::*;
