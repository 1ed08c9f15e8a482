//! The composition root: what there is, put together. Production and tests share every line.

mod application;
mod cache;
mod live;
mod openapi;
mod ops;
pub mod recount;
mod routes;
mod schema;
mod spaces;
mod warming;
mod worker;

pub use application::{Application, Injected, context};
pub use cache::attach_tool;
pub use live::events;
pub use openapi::document;
pub use routes::LIMITS;
pub use spaces::spaces;
pub use warming::{warm, warm_soon};
pub use worker::registry;
