//! The counters that belong to a data set, counted while it is still in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::dataset::Dataset;
use crate::domains::reactions::{self, Target};
use crate::domains::users::Tally;
use crate::kernel::{CommentId, PostId, UserId};

/// Numbers of one post.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfPost {
    /// Comments that are not deleted, at every depth.
    pub comments: i32,
    /// Posts that share it and are not deleted.
    pub shares: i32,
    /// People who have seen it, each once a day.
    pub views: i64,
}

/// All counters of a data set.
#[derive(Debug, Default)]
pub struct Counters {
    /// By person.
    pub people: HashMap<UserId, Tally>,
    /// By post.
    pub posts: HashMap<PostId, OfPost>,
    /// Direct replies that are not deleted, by comment.
    pub replies: HashMap<CommentId, i32>,
    /// Reactions by target and kind.
    pub reactions: BTreeMap<(Target, reactions::Kind), i32>,
}

/// Counts a data set.
pub fn count(data: &Dataset) -> Counters {
    let mut counters = Counters::default();
    count_people(data, &mut counters);
    count_posts(data, &mut counters);
    for reaction in &data.reactions {
        *counters
            .reactions
            .entry((reaction.target, reaction.kind))
            .or_default() += 1;
    }
    counters
}

fn count_people(data: &Dataset, counters: &mut Counters) {
    let people = &mut counters.people;
    for link in &data.friendships {
        people.entry(link.from).or_default().friends += 1;
        people.entry(link.to).or_default().friends += 1;
    }
    for link in &data.follows {
        people.entry(link.from).or_default().following += 1;
        people.entry(link.to).or_default().followers += 1;
    }
    for post in data.posts.iter().filter(|post| post.deleted_at.is_none()) {
        let numbers = people.entry(post.author).or_default();
        post.audience.count_in(numbers, 1);
    }
}

fn count_posts(data: &Dataset, counters: &mut Counters) {
    for (post, ..) in &data.views {
        counters.posts.entry(*post).or_default().views += 1;
    }
    for post in data.posts.iter().filter(|post| post.deleted_at.is_none()) {
        if let Some(original) = post.shared {
            counters.posts.entry(original).or_default().shares += 1;
        }
    }
    for comment in &data.comments {
        if comment.deleted_at.is_some() {
            continue;
        }
        counters.posts.entry(comment.post).or_default().comments += 1;
        if let Some(parent) = comment.parent {
            *counters.replies.entry(parent).or_default() += 1;
        }
    }
}

/// How many of each kind a data set holds.
pub fn sizes(data: &Dataset) -> BTreeMap<&'static str, u64> {
    let messages = data.conversations.iter().map(|talk| talk.messages.len());
    let commented: HashSet<PostId> = data.comments.iter().map(|comment| comment.post).collect();
    [
        ("people", data.accounts.len()),
        ("friendships", data.friendships.len()),
        ("pending friend requests", data.requests.len()),
        ("follows", data.follows.len()),
        ("blocks", data.blocks.len()),
        ("mutes", data.mutes.len()),
        ("circles", data.circles.len()),
        ("posts", data.posts.len()),
        ("posts with comments", commented.len()),
        ("comments", data.comments.len()),
        ("reactions", data.reactions.len()),
        ("saved posts", data.saved.len()),
        ("hidden posts", data.hidden.len()),
        ("views of posts", data.views.len()),
        ("conversations", data.conversations.len()),
        ("messages", messages.sum()),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(kind, count)| (kind, u64::try_from(count).unwrap_or(u64::MAX)))
    .collect()
}
