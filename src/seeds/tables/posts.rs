//! Posts as the rows of their tables.

use super::{Fill, Shared};
use crate::seeds::copy::CopyText;
use crate::seeds::counters::Counters;
use crate::seeds::dataset::{Dataset, Mark, Named, Post};
use crate::seeds::hashtags;

/// Their tables: name, COPY statement, what writes the rows.
pub(super) const TABLES: &[(&str, &str, Fill)] = &[
    (
        "post",
        "copy post (post_id, author_id, content, audience, allow_all_friends, shared_post_id,
         version, created_at, edited_at, deleted_at) from stdin",
        posts,
    ),
    (
        "post_audience",
        "copy post_audience (post_id, deny, user_id, circle_id) from stdin",
        audiences,
    ),
    (
        "post_revision",
        "copy post_revision (post_id, version, content, audience, created_at) from stdin",
        revisions,
    ),
    (
        "post_counter",
        "copy post_counter (post_id, comments, shares, views) from stdin",
        post_counters,
    ),
    (
        "post_hashtag",
        "copy post_hashtag (tag, post_id, created_at) from stdin",
        |data, _, _, copy| hashtags::rows(data, copy),
    ),
    (
        "post_view",
        "copy post_view (post_id, user_id, day) from stdin",
        views,
    ),
    (
        "saved_post",
        "copy saved_post (user_id, post_id, created_at) from stdin",
        |data, _, _, copy| marks(&data.saved, copy),
    ),
    (
        "hidden_post",
        "copy hidden_post (user_id, post_id, created_at) from stdin",
        |data, _, _, copy| marks(&data.hidden, copy),
    ),
];

fn posts(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for post in &data.posts {
        copy.id(post.id)
            .id(post.author)
            .text(&post.content)
            .text(post.audience.as_str())
            .flag(post.allow.is_empty())
            .maybe_id(post.shared)
            .number(version(post.earlier.len() + 1))
            .time(post.created_at)
            .maybe_time(post.edited_at)
            .maybe_time(post.deleted_at)
            .end();
    }
}

fn audiences(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for post in &data.posts {
        let allowed = post.allow.iter().map(|named| (false, named));
        let denied = post.deny.iter().map(|named| (true, named));
        for (deny, named) in allowed.chain(denied) {
            copy.id(post.id).flag(deny);
            match named {
                Named::Person(user) => copy.id(*user).null(),
                Named::Circle(circle) => copy.null().id(*circle),
            }
            .end();
        }
    }
}

fn revisions(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for Post {
        id,
        earlier,
        audience,
        ..
    } in &data.posts
    {
        for (index, (content, since)) in earlier.iter().enumerate() {
            copy.id(*id)
                .number(version(index + 1))
                .text(content)
                .text(audience.as_str())
                .time(*since)
                .end();
        }
    }
}

/// A post's version as a number of the database; nobody edits a post that often.
fn version(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn post_counters(data: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for post in &data.posts {
        let numbers = counters.posts.get(&post.id).copied().unwrap_or_default();
        copy.id(post.id)
            .number(numbers.comments)
            .number(numbers.shares)
            .number(numbers.views)
            .end();
    }
}

fn marks(marks: &[Mark], copy: &mut CopyText) {
    for mark in marks {
        copy.id(mark.user).id(mark.post).time(mark.at).end();
    }
}

fn views(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for (post, user, day) in &data.views {
        copy.id(*post).id(*user).text(&day.to_string()).end();
    }
}
