//! Every cache space, in the order of the domains.

use crate::admin;
use crate::domains::{comments, discovery, feed, posts, reactions, relations, users};
use crate::infra::cache::Described;
use crate::platform::sessions;

/// What the cache is set up with.
pub fn spaces() -> Vec<Described> {
    [
        sessions::SPACES,
        users::SPACES,
        relations::SPACES,
        reactions::SPACES,
        posts::SPACES,
        comments::SPACES,
        feed::SPACES,
        discovery::SPACES,
        admin::SPACES,
    ]
    .concat()
}
