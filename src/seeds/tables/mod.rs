//! A data set as the rows of each table, in an order that foreign keys allow.

mod chats;

use super::copy::CopyText;
use super::counters::Counters;
use super::dataset::{Dataset, Named, Post, State};
use super::hashtags;
use crate::domains::reactions::Target;
use crate::kernel::Timestamp;
use crate::platform::sessions::AccountState;

/// The rows of one table.
pub struct Table {
    /// What is loaded, for whoever waits.
    pub name: &'static str,
    /// The statement that takes the rows.
    pub statement: &'static str,
    /// The rows.
    pub rows: CopyText,
}

/// What the tables need besides the data set.
pub struct Shared<'a> {
    /// The hash of the password that all seeded people share.
    pub password_hash: &'a str,
    /// The instant that the load takes for the present.
    pub at: Timestamp,
}

type Fill = fn(&Dataset, &Counters, &Shared<'_>, &mut CopyText);

/// Every table that is loaded: its name, its COPY statement, what writes its rows.
const TABLES: &[(&str, &str, Fill)] = &[
    (
        "account",
        "copy account (user_id, username, display_name, bio, location, role, state,
         suspended_reason, created_at, updated_at, deleted_at) from stdin",
        accounts,
    ),
    (
        "credential",
        "copy credential (user_id, email, email_verified_at, password_hash, password_changed_at)
         from stdin",
        credentials,
    ),
    (
        "user_settings",
        "copy user_settings (user_id, default_audience, who_can_request, who_sees_friends,
         searchable, suggestions, language, updated_at) from stdin",
        settings,
    ),
    (
        "user_counter",
        "copy user_counter (user_id, friends, followers, following, posts_public, posts_friends,
         posts_private) from stdin",
        user_counters,
    ),
    (
        "friendship",
        "copy friendship (user_id, friend_id, created_at) from stdin",
        friendships,
    ),
    (
        "friend_request",
        "copy friend_request (friend_request_id, sender_id, recipient_id, created_at) from stdin",
        requests,
    ),
    (
        "follow",
        "copy follow (follower_id, followee_id, created_at) from stdin",
        |data, _, _, copy| links(&data.follows, copy),
    ),
    (
        "block",
        "copy block (blocker_id, blocked_id, created_at) from stdin",
        |data, _, _, copy| links(&data.blocks, copy),
    ),
    (
        "mute",
        "copy mute (muter_id, muted_id, created_at) from stdin",
        |data, _, _, copy| links(&data.mutes, copy),
    ),
    (
        "circle",
        "copy circle (circle_id, owner_id, name, created_at, updated_at) from stdin",
        circles,
    ),
    (
        "circle_member",
        "copy circle_member (circle_id, user_id, created_at) from stdin",
        circle_members,
    ),
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
        "copy post_counter (post_id, comments, shares) from stdin",
        post_counters,
    ),
    (
        "post_hashtag",
        "copy post_hashtag (tag, post_id, created_at) from stdin",
        |data, _, _, copy| hashtags::rows(data, copy),
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
    (
        "comment",
        "copy comment (comment_id, post_id, parent_id, depth, author_id, content, version,
         created_at, deleted_at) from stdin",
        comments,
    ),
    (
        "comment_counter",
        "copy comment_counter (comment_id, replies) from stdin",
        comment_counters,
    ),
    (
        "reaction",
        "copy reaction (target_kind, target_id, user_id, kind, created_at) from stdin",
        reactions,
    ),
    (
        "reaction_summary",
        "copy reaction_summary (target_kind, target_id, kind, count) from stdin",
        summaries,
    ),
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str, Fill)> {
    TABLES.iter().chain(chats::TABLES)
}

/// How many tables there are.
pub fn count() -> usize {
    all().count()
}

/// The tables of a data set, one after the other, so that only one is in memory as text.
pub fn tables<'a>(
    data: &'a Dataset,
    counters: &'a Counters,
    shared: &'a Shared<'a>,
) -> impl Iterator<Item = Table> + 'a {
    all().map(move |(name, statement, fill)| {
        let mut rows = CopyText::default();
        fill(data, counters, shared, &mut rows);
        Table {
            name,
            statement,
            rows,
        }
    })
}

fn accounts(data: &Dataset, _: &Counters, shared: &Shared<'_>, copy: &mut CopyText) {
    let why = "Unkind messages to many people.";
    for account in &data.accounts {
        let (state, reason, deleted_at) = match account.state {
            State::Active => (AccountState::Active, None, None),
            State::Suspended => (AccountState::Suspended, Some(why), None),
            State::Deleted(at) => (AccountState::Deleted, None, Some(at)),
        };
        copy.id(account.id)
            .text(&account.username)
            .text(&account.display_name)
            .text(&account.bio)
            .text(&account.location)
            .text(account.role.as_str())
            .text(state.as_str())
            .maybe_text(reason)
            .time(account.created_at)
            .time(deleted_at.unwrap_or(account.created_at).min(shared.at))
            .maybe_time(deleted_at)
            .end();
    }
}

fn credentials(data: &Dataset, _: &Counters, shared: &Shared<'_>, copy: &mut CopyText) {
    for account in &data.accounts {
        copy.id(account.id);
        // Whoever deleted the account left neither address nor password.
        if let State::Deleted(_) = account.state {
            let nowhere = format!("{}@deleted.invalid", account.id);
            copy.text(&nowhere).null().text("!");
        } else {
            copy.text(&account.email)
                .time(account.created_at)
                .text(shared.password_hash);
        }
        copy.time(account.created_at).end();
    }
}

fn settings(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for account in &data.accounts {
        let settings = account.settings;
        copy.id(account.id)
            .text(settings.default_audience.as_str())
            .text(settings.who_can_request.as_str())
            .text(settings.who_sees_friends.as_str())
            .flag(settings.findable)
            .flag(settings.findable)
            .text(settings.language)
            .time(account.created_at)
            .end();
    }
}

fn user_counters(data: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for account in &data.accounts {
        let numbers = counters
            .people
            .get(&account.id)
            .copied()
            .unwrap_or_default();
        copy.id(account.id)
            .number(numbers.friends)
            .number(numbers.followers)
            .number(numbers.following)
            .number(numbers.posts_public)
            .number(numbers.posts_friends)
            .number(numbers.posts_private)
            .end();
    }
}

fn friendships(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for link in &data.friendships {
        copy.id(link.from).id(link.to).time(link.at).end();
        copy.id(link.to).id(link.from).time(link.at).end();
    }
}

fn requests(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for (id, link) in &data.requests {
        copy.id(*id).id(link.from).id(link.to).time(link.at).end();
    }
}

fn links(links: &[super::dataset::Link], copy: &mut CopyText) {
    for link in links {
        copy.id(link.from).id(link.to).time(link.at).end();
    }
}

fn marks(marks: &[super::dataset::Mark], copy: &mut CopyText) {
    for mark in marks {
        copy.id(mark.user).id(mark.post).time(mark.at).end();
    }
}

fn circles(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for circle in &data.circles {
        copy.id(circle.id)
            .id(circle.owner)
            .text(&circle.name)
            .time(circle.created_at)
            .time(circle.created_at)
            .end();
    }
}

fn circle_members(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for circle in &data.circles {
        for member in &circle.members {
            copy.id(circle.id).id(*member).time(circle.created_at).end();
        }
    }
}

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
            .end();
    }
}

fn comments(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for comment in &data.comments {
        copy.id(comment.id)
            .id(comment.post)
            .maybe_id(comment.parent)
            .number(comment.depth)
            .id(comment.author)
            .text(&comment.content)
            .number(if comment.deleted_at.is_some() { 2 } else { 1 })
            .time(comment.created_at)
            .maybe_time(comment.deleted_at)
            .end();
    }
}

fn comment_counters(data: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for comment in &data.comments {
        let replies = counters.replies.get(&comment.id).copied().unwrap_or(0);
        copy.id(comment.id).number(replies).end();
    }
}

fn reactions(data: &Dataset, _: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for reaction in &data.reactions {
        target(reaction.target, copy)
            .id(reaction.user)
            .text(reaction.kind.as_str())
            .time(reaction.at)
            .end();
    }
}

fn summaries(_: &Dataset, counters: &Counters, _: &Shared<'_>, copy: &mut CopyText) {
    for ((to, kind), count) in &counters.reactions {
        target(*to, copy).text(kind.as_str()).number(*count).end();
    }
}

fn target(target: Target, copy: &mut CopyText) -> &mut CopyText {
    copy.text(target.kind.as_str()).uuid(target.id)
}
