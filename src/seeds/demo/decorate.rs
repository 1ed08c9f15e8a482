//! What happens to posts and people beside writing: edits, deletions, shares, marks, requests,
//! follows, mutes, blocks, and what a deleted person left.

use std::collections::HashSet;

use chrono::TimeDelta;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::cast::{CAST, Part, place};
use super::dress;
use super::phrases::Phrases;
use crate::domains::posts::AudienceKind;
use crate::kernel::{FriendRequestId, PostId, Timestamp, UserId};
use crate::seeds::activity::Crowd;
use crate::seeds::dataset::{Comment, Dataset, Link, Mark, Post};
use crate::seeds::draw::{Draw, Thing, between};
use crate::seeds::people::index;
use crate::seeds::words::Words;

/// Numbers of posts and comments from here on are not those of ordinary writing.
const APART: u64 = 1 << 60;

/// Adds all of it.
pub fn decorate(draw: &Draw, words: &Words, phrases: &Phrases, crowd: &Crowd, data: &mut Dataset) {
    let mut rng = draw.rng(Thing::Doings, APART);
    let at = crowd.at;
    share(&mut rng, draw, words, crowd, data);
    leave_traces(&mut rng, draw, words, at, data);
    let mut extra = draw.rng(Thing::Doings, APART + 1);
    dress::dress(&mut extra, phrases, crowd, data);
    edit_and_delete(&mut rng, words, at, data);
    mark(&mut rng, crowd, data);
    approach(&mut rng, draw, crowd, data);
    accept(&mut extra, draw, crowd, data);
    quarrel(at, data);
    dress::give_websites(data);
    dress::look(&mut extra, crowd, data);
}

/// Friends share public posts.
fn share(rng: &mut StdRng, draw: &Draw, words: &Words, crowd: &Crowd, data: &mut Dataset) {
    let mut made = Vec::new();
    for original in data
        .posts
        .iter()
        .filter(|post| post.audience == AudienceKind::Public)
    {
        if !rng.random_bool(0.12) {
            continue;
        }
        let author = data.accounts.iter().position(|a| a.id == original.author);
        let friends = author.and_then(|author| crowd.friends.get(author));
        let sharer = friends.and_then(|friends| friends.choose(rng));
        let Some(sharer) = sharer.and_then(|place| data.accounts.get(*place)) else {
            continue;
        };
        let created_at = between(rng, original.created_at, crowd.at);
        let id = draw.id(Thing::Post, APART + index(made.len()), created_at);
        let mut post = Post::new(id, sharer.id, words.comment(rng, "en"), created_at);
        post.audience = if rng.random_bool(0.5) {
            AudienceKind::Public
        } else {
            AudienceKind::Friends
        };
        post.shared = Some(original.id);
        made.push(post);
    }
    data.posts.append(&mut made);
}

/// The deleted person commented on what the popular one wrote for everybody.
fn leave_traces(rng: &mut StdRng, draw: &Draw, words: &Words, at: Timestamp, data: &mut Dataset) {
    let id_of = |name| {
        place(name)
            .and_then(|place| data.accounts.get(place))
            .map(|a| a.id)
    };
    let (Some(gone), Some(alice)) = (id_of("gone"), id_of("alice")) else {
        return;
    };
    let until = at - TimeDelta::days(2);
    let posts: Vec<(PostId, Timestamp)> = data
        .posts
        .iter()
        .filter(|post| post.author == alice && post.audience == AudienceKind::Public)
        .map(|post| (post.id, post.created_at))
        .filter(|(_, since)| *since < until)
        .collect();
    for (number, (post, since)) in posts.into_iter().take(6).enumerate() {
        let created_at = between(rng, since, until);
        data.comments.push(Comment {
            id: draw.id(Thing::Comment, APART + index(number), created_at),
            post,
            parent: None,
            depth: 0,
            author: gone,
            content: words.comment(rng, "en"),
            created_at,
            deleted_at: None,
        });
    }
}

/// Some posts are edited once or twice, some deleted; deleted comments leave their place empty.
fn edit_and_delete(rng: &mut StdRng, words: &Words, at: Timestamp, data: &mut Dataset) {
    for post in &mut data.posts {
        match rng.random_range(0..100) {
            0..8 => {
                let mut since = post.created_at;
                for _ in 0..rng.random_range(1..=2) {
                    let text = format!("{} {}", post.content, words.comment(rng, "en"));
                    post.earlier
                        .push((std::mem::replace(&mut post.content, text), since));
                    since = between(rng, since, at);
                }
                post.edited_at = Some(since);
            }
            8..12 => post.deleted_at = Some(between(rng, post.created_at, at)),
            _ => {}
        }
    }
    for comment in &mut data.comments {
        if rng.random_bool(0.05) {
            comment.deleted_at = Some(between(rng, comment.created_at, at));
            comment.content.clear();
        }
    }
}

/// Friends save and hide public posts.
fn mark(rng: &mut StdRng, crowd: &Crowd, data: &mut Dataset) {
    let public: Vec<(UserId, PostId, Timestamp)> = data
        .posts
        .iter()
        .filter(|post| post.audience == AudienceKind::Public && post.deleted_at.is_none())
        .map(|post| (post.author, post.id, post.created_at))
        .collect();
    for (place, account) in data.accounts.iter().enumerate() {
        let friends = crowd.friends.get(place).map_or(&[][..], Vec::as_slice);
        let friends: HashSet<UserId> = friends
            .iter()
            .filter_map(|friend| data.accounts.get(*friend))
            .map(|friend| friend.id)
            .collect();
        for (author, post, since) in &public {
            if !friends.contains(author) || !rng.random_bool(0.02) {
                continue;
            }
            let marks = if rng.random_bool(0.8) {
                &mut data.saved
            } else {
                &mut data.hidden
            };
            marks.push(Mark {
                user: account.id,
                post: *post,
                at: between(rng, *since, crowd.at),
            });
        }
    }
}

/// Requests, follows and mutes between people who are active and not the new one.
fn approach(rng: &mut StdRng, draw: &Draw, crowd: &Crowd, data: &mut Dataset) {
    let since = crowd.at - TimeDelta::days(20);
    let mut asked: HashSet<(usize, usize)> = HashSet::new();
    for one in 0..data.accounts.len() {
        for other in 0..data.accounts.len() {
            let (Some(a), Some(b)) = (data.accounts.get(one), data.accounts.get(other)) else {
                continue;
            };
            if one == other || !is_open(one) || !is_open(other) {
                continue;
            }
            let link = Link {
                from: a.id,
                to: b.id,
                at: between(rng, since, crowd.at),
            };
            let popular = place("alice") == Some(other);
            let friends = crowd.friends.get(one).is_some_and(|of| of.contains(&other));
            if friends {
                if rng.random_bool(0.01) {
                    data.mutes.push(link);
                }
                continue;
            }
            if rng.random_bool(if popular { 0.5 } else { 0.01 }) {
                data.follows.push(link);
            }
            let pair = (one.min(other), one.max(other));
            if rng.random_bool(if popular { 0.3 } else { 0.004 }) && asked.insert(pair) {
                let number = index(data.requests.len());
                data.requests
                    .push((draw.id(Thing::Request, number, link.at), link));
            }
        }
    }
}

/// Some requests are accepted, among them several of those whom people sign in as.
fn accept(rng: &mut StdRng, draw: &Draw, crowd: &Crowd, data: &mut Dataset) {
    let since = crowd.at - TimeDelta::days(9);
    let (accepted, open) = std::mem::take(&mut data.requests)
        .into_iter()
        .partition(|_| rng.random_bool(0.15));
    data.requests = open;
    let mut accepted: Vec<(FriendRequestId, Link)> = accepted;
    let known = data.requests.iter().chain(&accepted);
    let known = known.flat_map(|(_, link)| [(link.from, link.to), (link.to, link.from)]);
    let known: HashSet<(UserId, UserId)> = known.collect();
    for (name, many) in [("alice", 4), ("bob", 3), ("mona_mod", 2)] {
        let Some(asker) = place(name) else { continue };
        let Some(from) = data.accounts.get(asker).map(|account| account.id) else {
            continue;
        };
        let friends = crowd.friends.get(asker).map_or(&[][..], Vec::as_slice);
        let others = data.accounts.iter().enumerate().skip(CAST.len());
        let strangers = others.filter(|(other, account)| {
            !friends.contains(other) && !known.contains(&(from, account.id))
        });
        for (_, stranger) in strangers.take(many) {
            let at = between(rng, since, crowd.at - TimeDelta::days(1));
            let id = draw.id(Thing::Request, APART + index(accepted.len()), at);
            let to = stranger.id;
            accepted.push((id, Link { from, to, at }));
        }
    }
    for (id, link) in accepted {
        let decided_at = between(rng, link.at, crowd.at);
        data.friendships.push(Link {
            at: decided_at,
            ..link
        });
        data.accepted.push((id, link, decided_at));
    }
}

/// Whether chance lets somebody approach and be approached.
fn is_open(person: usize) -> bool {
    CAST.get(person).is_none_or(|role| {
        !matches!(
            role.part,
            Part::New | Part::Private | Part::Gone | Part::Suspended | Part::Blocked
        )
    })
}

/// Two people block each other.
fn quarrel(at: Timestamp, data: &mut Dataset) {
    let id_of = |name| {
        place(name)
            .and_then(|place| data.accounts.get(place))
            .map(|a| a.id)
    };
    let (Some(dave), Some(erin)) = (id_of("dave"), id_of("erin")) else {
        return;
    };
    let at = at - TimeDelta::days(5);
    for (from, to) in [(dave, erin), (erin, dave)] {
        data.blocks.push(Link { from, to, at });
    }
}
