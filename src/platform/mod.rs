//! What every domain stands on.

pub mod http;
