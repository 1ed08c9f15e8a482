//! What makes texts and people of the demo worth showing: mentions, links and hashtags, websites, and who
//! has seen which post.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use rand::RngExt as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;

use super::phrases::{Phrases, Place};
use crate::domains::posts::AudienceKind;
use crate::domains::reactions::TargetKind;
use crate::kernel::ids::Id as _;
use crate::kernel::{PostId, Timestamp, UserId};
use crate::seeds::activity::Crowd;
use crate::seeds::dataset::{Dataset, State};
use crate::seeds::draw::{between, heavy_tail};

/// For so many days before the present most posts have a hashtag.
const TALK_OF_THE_DAY: i64 = 4;

/// Posts of before then have no views, so that a load takes no longer for them.
const LATELY: TimeDelta = TimeDelta::days(30);

/// Adds mentions, links and hashtags to posts and comments.
pub fn dress(rng: &mut StdRng, phrases: &Phrases, crowd: &Crowd, data: &mut Dataset) {
    let names: Vec<String> = data.accounts.iter().map(|a| a.username.clone()).collect();
    let places = places(data);
    let friend_of = |rng: &mut StdRng, person: UserId| {
        let friends = crowd.friends.get(*places.get(&person)?)?;
        names.get(*friends.choose(rng)?)
    };
    let lately = crowd.at - TimeDelta::days(TALK_OF_THE_DAY);
    let mut authors: HashMap<PostId, UserId> = HashMap::new();
    for post in &mut data.posts {
        authors.insert(post.id, post.author);
        if rng.random_bool(0.18)
            && let Some(name) = friend_of(rng, post.author)
        {
            add(&mut post.content, &phrases.phrase(rng, Place::Post, name));
        }
        let is_late = post.created_at >= lately;
        if rng.random_bool(if is_late { 0.7 } else { 0.08 }) {
            add(&mut post.content, &format!("#{}", phrases.tag(rng)));
        }
    }
    for comment in &mut data.comments {
        if rng.random_bool(0.08)
            && let Some(author) = authors.get(&comment.post)
            && let Some(name) = friend_of(rng, *author)
        {
            let phrase = phrases.phrase(rng, Place::Comment, name);
            add(&mut comment.content, &phrase);
        }
    }
}

fn add(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

fn places(data: &Dataset) -> HashMap<UserId, usize> {
    let accounts = data.accounts.iter().enumerate();
    accounts.map(|(place, one)| (one.id, place)).collect()
}

/// Every third person has a website, if they say anything of themselves.
pub fn give_websites(data: &mut Dataset) {
    for account in data.accounts.iter_mut().step_by(3) {
        let says_something = !account.bio.is_empty() || !account.location.is_empty();
        if account.state == State::Active && says_something {
            let host = account.username.replace('_', "-");
            account.website = Some(format!("https://{}.example", host.trim_matches('.')));
        }
    }
}

/// Lets people see the posts of the last weeks: whoever answered one has seen it then, and so have some of
/// the author's friends whom it is for.
pub fn look(rng: &mut StdRng, crowd: &Crowd, data: &mut Dataset) {
    let answered = answered(data);
    let places = places(data);
    let is_active = |user: &UserId| {
        let account = places.get(user).and_then(|place| data.accounts.get(*place));
        account.is_some_and(|account| account.state == State::Active)
    };
    let mut views = BTreeSet::new();
    for post in &data.posts {
        let is_gone = post.deleted_at.is_some() || !is_active(&post.author);
        if is_gone || post.created_at < crowd.at - LATELY {
            continue;
        }
        let none = BTreeSet::new();
        for (user, at) in answered.get(&post.id).unwrap_or(&none) {
            views.insert((post.id, *user, at.utc().date_naive()));
        }
        let is_for_friends = matches!(post.audience, AudienceKind::Public | AudienceKind::Friends);
        let friends = places.get(&post.author);
        let friends = friends.and_then(|place| crowd.friends.get(*place));
        let Some(friends) = friends.filter(|friends| is_for_friends && !friends.is_empty()) else {
            continue;
        };
        let many = heavy_tail(rng, 0.6, friends.len());
        for friend in friends.sample(rng, many) {
            let until = crowd.at.min(post.created_at + TimeDelta::days(3));
            let day = between(rng, post.created_at, until).utc().date_naive();
            if let Some(friend) = data.accounts.get(*friend).filter(|who| is_active(&who.id)) {
                views.insert((post.id, friend.id, day));
            }
        }
    }
    data.views = views.into_iter().collect();
}

/// Who reacted to or commented on each post, and when.
fn answered(data: &Dataset) -> BTreeMap<PostId, BTreeSet<(UserId, Timestamp)>> {
    let reactions = data.reactions.iter();
    let reactions = reactions.filter(|reaction| reaction.target.kind == TargetKind::Post);
    let reactions = reactions.map(|one| (PostId::from_uuid(one.target.id), one.user, one.at));
    let comments = data.comments.iter();
    let comments = comments.map(|one| (one.post, one.author, one.created_at));
    let mut answered: BTreeMap<PostId, BTreeSet<(UserId, Timestamp)>> = BTreeMap::new();
    for (post, user, at) in reactions.chain(comments) {
        answered.entry(post).or_default().insert((user, at));
    }
    answered
}
