//! People and what is between them as the rows of their tables.

use super::{Fill, Shared};
use crate::platform::sessions::AccountState;
use crate::seeds::copy::CopyText;
use crate::seeds::counters::Counters;
use crate::seeds::dataset::{Dataset, Link, State};

/// Their tables: name, COPY statement, what writes the rows.
pub(super) const TABLES: &[(&str, &str, Fill)] = &[
    (
        "account",
        "copy account (user_id, username, display_name, bio, location, website, role, state,
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
        "copy friend_request (friend_request_id, sender_id, recipient_id, created_at, state, decided_at)
         from stdin",
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
];

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
            .maybe_text(account.website.as_deref())
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
    let open = data.requests.iter().map(|(id, link)| (id, link, None));
    let accepted = data.accepted.iter();
    let accepted = accepted.map(|(id, link, decided_at)| (id, link, Some(*decided_at)));
    for (id, link, decided_at) in open.chain(accepted) {
        let state = decided_at.map_or("pending", |_| "accepted");
        copy.id(*id).id(link.from).id(link.to).time(link.at);
        copy.text(state).maybe_time(decided_at).end();
    }
}

fn links(links: &[Link], copy: &mut CopyText) {
    for link in links {
        copy.id(link.from).id(link.to).time(link.at).end();
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
