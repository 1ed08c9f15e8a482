//! How often one may write, and reach out to strangers. Whether a request comes to that is found out
//! first: one that is refused, or changes nothing, costs nothing.

use std::iter::repeat_n;

use crate::domains::messaging::cache::MEMBERS;
use crate::domains::messaging::model::{
    ConversationKind, MAX_MEMBERS, MAX_STRANGERS, MemberState, takes_messages,
};
use crate::domains::messaging::view::{self, Seen};
use crate::domains::relations;
use crate::domains::users::SETTINGS;
use crate::infra::ratelimit::Policy;
use crate::kernel::{ConversationId, Result, UserId, distinct};
use crate::platform::limits::{Gate, Subject, policies};
use crate::platform::sessions::Viewer;
use crate::platform::{Ctx, Reads};

/// Counts a message of `me` that goes to somebody who does not know them.
pub async fn guard_pace(ctx: &Ctx, gate: &Gate, me: UserId, id: ConversationId) -> Result<()> {
    if !view::goes_to_stranger(&mut Reads::cached(ctx), me, id).await? {
        return Ok(());
    }
    charge(gate, me, &[&policies::MESSAGE_STRANGER]).await
}

/// Counts what `me` has others told by putting them into a group: it is a message to all of them,
/// and one to each stranger among them. Opening the conversation of two tells nobody.
pub async fn guard_group_pace(ctx: &Ctx, gate: &Gate, me: UserId, others: &[UserId]) -> Result<()> {
    let mut others: Vec<UserId> = distinct(others.iter().copied());
    others.retain(|other| *other != me);
    if others.len() < 2 {
        return Ok(());
    }
    let strangers = count_strangers(&mut Reads::cached(ctx), me, &others).await?;
    let mut policies = vec![&policies::MESSAGE];
    if strangers <= MAX_STRANGERS {
        policies.extend(repeat_n(&policies::MESSAGE_STRANGER, strangers));
    }
    charge(gate, me, &policies).await
}

/// Counts that `me`, to whom a group is `seen` like this, asks somebody into it who is no friend.
pub async fn guard_adding_pace(
    ctx: &Ctx,
    gate: &Gate,
    (me, seen): (UserId, &Seen),
    other: UserId,
) -> Result<()> {
    let reads = &mut Reads::cached(ctx);
    let is_group = seen.entry.kind == ConversationKind::Group;
    let members = reads.get(&MEMBERS, &seen.entry.conversation_id).await?;
    let members = members.as_deref().map_or(&[][..], Vec::as_slice);
    let is_there = members.iter().any(|member| member.user_id == other);
    let may_add = is_group && seen.membership.state == MemberState::Active;
    if !may_add || is_there || members.len() >= MAX_MEMBERS {
        return Ok(());
    }
    match count_strangers(reads, me, &[other]).await? {
        0 => Ok(()),
        _ => charge(gate, me, &[&policies::MESSAGE_STRANGER]).await,
    }
}

/// How many of these people, who are others than `me`, are no friends; none, if somebody among them cannot be
/// asked: then nobody is.
async fn count_strangers(reads: &mut Reads<'_>, me: UserId, others: &[UserId]) -> Result<usize> {
    let viewer = Viewer::from(me);
    let seen = relations::visible_among(reads, viewer, others).await?;
    let ties = relations::ties_of(reads, viewer).await?;
    let settings = reads.get_many(&SETTINGS, others).await?;
    let takes = |id: &UserId| {
        let row = settings.get(id);
        row.is_some_and(|row| takes_messages(row.who_can_message, ties.is_friend(*id)))
    };
    if seen.len() < others.len() || !others.iter().all(takes) {
        return Ok(0);
    }
    Ok(others.iter().filter(|id| !ties.is_friend(**id)).count())
}

async fn charge(gate: &Gate, me: UserId, policies: &[&'static Policy]) -> Result<()> {
    let check = |policy: &&'static Policy| Subject::User(me).check(policy);
    let checks = policies.iter().map(check).collect();
    gate.pass(checks).await.map(|_charged| ())
}
