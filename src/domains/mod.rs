//! The domains, left to right: each may use those before it, through their `mod.rs` face only.

<<<<<<< HEAD
=======
pub mod comments;
pub mod feed;
>>>>>>> comments
pub mod posts;
pub mod reactions;
pub mod users;
