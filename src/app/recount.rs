//! Counters, counted anew: a line for each domain that keeps some.

use std::pin::Pin;

use crate::domains::{comments, posts, reactions, users};
use crate::infra::db::Conn;
use crate::kernel::Result;

/// Counts anew and says how many rows had drifted.
pub type Recount = for<'a> fn(&'a mut Conn) -> Pin<Box<dyn Future<Output = Result<u64>> + 'a>>;

/// What is counted, in the order in which it is counted.
pub const RECOUNTS: &[(&str, Recount)] = &[
    ("users", |conn| Box::pin(users::recount(conn))),
    ("reactions", |conn| Box::pin(reactions::recount(conn))),
    ("posts", |conn| Box::pin(posts::recount(conn))),
    ("comments", |conn| Box::pin(comments::recount(conn))),
];
