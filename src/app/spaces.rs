//! Every cache space, in the order of the domains.

use crate::admin;
use crate::domains::{
    comments, discovery, feed, messaging, notifications, posts, reactions, relations, users,
};
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
        messaging::SPACES,
        notifications::SPACES,
        admin::SPACES,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::cache::{Kind, render_table};
    use crate::infra::committed::{between_marks, held_equal};

    #[test]
    fn the_committed_table_is_the_one_made_from_the_spaces() {
        held_equal("docs/caching.md", |page| {
            between_marks(page, "spaces", &render_table(&spaces()))
        });
    }

    #[test]
    fn each_space_shows_its_tags_and_can_be_walked() {
        // What time ends is found by time: the checker has no business with it.
        let exact = spaces()
            .into_iter()
            .filter(|space| space.kind == Kind::Exact);
        for space in exact {
            let tags = space.any.tags();
            assert!(tags.len() >= 2, "{}: {tags:?}", space.name);
            assert_eq!(tags.last(), Some(&space.tag()), "{}", space.name);
            assert!(
                space.any.has_walk(),
                "{}: the checker cannot see it",
                space.name
            );
        }
    }
}
