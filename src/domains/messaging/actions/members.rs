//! Who is in a group, and what they may do there.

use super::owners::hand_over;
use super::requests::refuse;
use super::{entrance, forbidden, guard_group, hold_active, note_change, note_in, note_own_change};
use crate::domains::messaging::events::GroupInvited;
use crate::domains::messaging::live::{self, Done};
use crate::domains::messaging::model::{
    Action, ConversationKind, MAX_MEMBERS, MemberRole, MemberState, can_remove,
};
use crate::domains::messaging::store::{self, Facts, Standing};
use crate::kernel::{Code, ConversationId, Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::IfMatch;

/// Adds somebody to a group: a friend at once, a stranger by request. Whoever has left it or
/// declined is asked, too. Again, it changes nothing.
pub async fn add_member(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    user_id: UserId,
) -> Result<()> {
    let facts = hold_active(tx, me, id).await?;
    guard_group(&facts)?;
    let part = store::find_part(tx.conn(), id, user_id).await?;
    let before = part.map(|part| part.state);
    if let Some(MemberState::Active | MemberState::Request) = before {
        return Ok(());
    }
    let contact = store::list_contacts(tx.conn(), me, &[user_id]).await?.pop();
    let contact = contact.ok_or_else(Error::not_found)?;
    let state = match entrance(&contact)? {
        MemberState::Active if before.is_none() => MemberState::Active,
        _ => MemberState::Request,
    };
    guard_room(tx, id).await?;
    let is_in = state == MemberState::Active;
    let said = if is_in {
        let added = (Action::Added, Some(user_id));
        Some(note_in(tx, id, me, added, "").await?)
    } else {
        None
    };
    // Only that they were added is new to them.
    let (one, now) = ([(user_id, MemberRole::Member, state)], tx.now());
    store::upsert_members(tx.conn(), id, &one, facts.top_seq, now).await?;
    tx.emit(&GroupInvited {
        conversation_id: id,
        inviter_id: me,
        invitee_id: user_id,
        is_request: !is_in,
    })?;
    if is_in {
        live::tell_caught_up(tx, me, &facts);
    } else {
        tx.tell_counts(user_id);
    }
    note_change(tx, id, said.map(|said| said.seq))?;
    if let Some(said) = said {
        live::tell_message(tx, id, Done::Created, said.message_id, me);
    }
    live::tell_joined(tx, id, me, user_id);
    Ok(())
}

async fn guard_room(tx: &mut Tx, id: ConversationId) -> Result<()> {
    let present = store::count_members(tx.conn(), id).await?;
    if usize::try_from(present).is_ok_and(|present| present < MAX_MEMBERS) {
        return Ok(());
    }
    Err(Error::new(
        Code::Conflict,
        format!("There are {MAX_MEMBERS} people in this group already, which is the most."),
    ))
}

/// Takes somebody out of a group, or leaves it; whoever was only asked to it declines by that. Again, it
/// changes nothing. Says whether the group is there for `me` still.
pub async fn remove_member(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    user_id: UserId,
) -> Result<bool> {
    if me == user_id {
        return leave(tx, me, id).await;
    }
    remove_other(tx, me, id, user_id).await?;
    Ok(true)
}

async fn remove_other(tx: &mut Tx, me: UserId, id: ConversationId, user_id: UserId) -> Result<()> {
    let facts = hold_active(tx, me, id).await?;
    guard_group(&facts)?;
    let found = store::find_part(tx.conn(), id, user_id).await?;
    let Some(part) = found.filter(|part| part.state != MemberState::Declined) else {
        return Err(Error::not_found());
    };
    if part.state == MemberState::Left {
        return Ok(());
    }
    if !can_remove(facts.role, part.role) {
        return Err(forbidden(
            "Only its owner and admins remove people from a group.",
        ));
    }
    if part.state == MemberState::Request {
        return refuse(tx, (me, user_id), &facts).await;
    }
    live::tell_caught_up(tx, me, &facts);
    let removed = (Action::Removed, Some(user_id));
    go(tx, id, (me, user_id), removed).await
}

/// The end of somebody's part in a group, which is told; the caller holds it.
async fn go(
    tx: &mut Tx,
    id: ConversationId,
    (actor, user_id): (UserId, UserId),
    what: (Action, Option<UserId>),
) -> Result<()> {
    let said = note_in(tx, id, actor, what, "").await?;
    let now = tx.now();
    store::update_left(tx.conn(), id, user_id, said.seq, now).await?;
    note_change(tx, id, Some(said.seq))?;
    note_own_change(tx, id, user_id)?;
    live::tell_message(tx, id, Done::Created, said.message_id, actor);
    live::tell_left(tx, id, actor, user_id);
    Ok(())
}

/// Leaves a group. An owner leaves it to somebody else.
async fn leave(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<bool> {
    store::lock_conversations(tx.conn(), &[(me, id)]).await?;
    let Some(facts) = store::find_facts(tx.conn(), me, id).await? else {
        let again = has_declined(tx, me, id).await?;
        return again.then_some(false).ok_or_else(Error::not_found);
    };
    guard_group(&facts)?;
    match facts.state {
        MemberState::Left => return Ok(true),
        MemberState::Request => {
            refuse(tx, (me, me), &facts).await?;
            return Ok(!has_declined(tx, me, id).await?);
        }
        _ => {}
    }
    if facts.role == MemberRole::Owner {
        hand_over(tx, me, id).await?;
    }
    go(tx, id, (me, me), (Action::Left, None)).await?;
    Ok(true)
}

/// Whether `me` has declined to be in a group, and has it no more: whoever was in it before has it as they
/// left it.
async fn has_declined(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<bool> {
    let part = store::find_part(tx.conn(), id, me).await?;
    if part.is_none_or(|part| part.state != MemberState::Declined) {
        return Ok(false);
    }
    let found = store::list_conversations(tx.conn(), &[id]).await?;
    Ok((found.iter()).any(|conversation| conversation.kind == ConversationKind::Group))
}

/// Gives somebody in a group a role. Only the owner does, who is an admin after making somebody
/// else the owner.
pub async fn give_role(
    tx: &mut Tx,
    me: UserId,
    id: ConversationId,
    (user_id, role): (UserId, Option<MemberRole>),
    if_match: IfMatch,
) -> Result<()> {
    let facts = hold_active(tx, me, id).await?;
    guard_group(&facts)?;
    if_match.check(facts.version)?;
    let part = find_present(tx, id, user_id).await?;
    let Some(role) = role.filter(|role| *role != part.role) else {
        return Ok(());
    };
    guard_owner(&facts, me, user_id)?;
    if role == MemberRole::Owner {
        if part.state != MemberState::Active {
            return Err(forbidden("They have to accept first."));
        }
        if !store::hold_account(tx.conn(), user_id).await? {
            return Err(Error::not_found());
        }
        store::update_role(tx.conn(), id, me, MemberRole::Admin).await?;
    }
    store::update_role(tx.conn(), id, user_id, role).await?;
    note_change(tx, id, None)?;
    live::tell_update(tx, id, me);
    Ok(())
}

fn guard_owner(facts: &Facts, me: UserId, user_id: UserId) -> Result<()> {
    if facts.role != MemberRole::Owner {
        return Err(forbidden("Only the owner of a group gives roles."));
    }
    if me == user_id {
        return Err(forbidden("Make somebody else the owner first."));
    }
    Ok(())
}

/// The part of somebody who is in a group or asked to it.
async fn find_present(tx: &mut Tx, id: ConversationId, user_id: UserId) -> Result<Standing> {
    let found = store::find_part(tx.conn(), id, user_id).await?;
    let is_present =
        |part: &Standing| matches!(part.state, MemberState::Active | MemberState::Request);
    found.filter(is_present).ok_or_else(Error::not_found)
}
