//! Opening a conversation: the one of two people, or a new group.

use std::collections::BTreeSet;

use super::{entrance, note_change, note_in, note_own_change};
use crate::domains::messaging::events::GroupInvited;
use crate::domains::messaging::live::{self, Done};
use crate::domains::messaging::model::{
    Action, ConversationTitle, MAX_MEMBERS, MAX_STRANGERS, MemberRole, MemberState,
    NewConversation, too_many_members,
};
use crate::domains::messaging::store::{self, Contact};
use crate::kernel::{ConversationId, Error, Result, UserId};
use crate::platform::Tx;

/// What opening came to.
#[derive(Debug, Clone, Copy)]
pub enum Opened {
    /// It is new to whoever opened it.
    New(ConversationId),
    /// It was there before.
    Known(ConversationId),
}

/// Opens the conversation with one person, or a new group with several.
pub async fn open_conversation(tx: &mut Tx, me: UserId, new: &NewConversation) -> Result<Opened> {
    let others: BTreeSet<UserId> = new.member_ids.iter().copied().collect();
    let others: Vec<UserId> = others.into_iter().filter(|id| *id != me).collect();
    if others.len() >= MAX_MEMBERS {
        return Err(Error::invalid(vec![too_many_members().at("/member_ids")]));
    }
    let contacts = store::list_contacts(tx.conn(), me, &others).await?;
    match (others.as_slice(), contacts.as_slice()) {
        ([], _) => Err(Error::invalid_field(
            "/member_ids",
            "too_few",
            "Name somebody else to talk with.",
        )),
        ([_], []) => Err(Error::not_found()),
        ([_], [other]) if new.title.is_none() => open_direct(tx, me, other).await,
        ([_], _) => Err(Error::invalid_field(
            "/title",
            "not_a_group",
            "A conversation of two has no title.",
        )),
        (others, contacts) if contacts.len() < others.len() => Err(Error::not_found()),
        (_, contacts) if count_strangers(contacts) > MAX_STRANGERS => Err(Error::invalid_field(
            "/member_ids",
            "too_many_strangers",
            format!(
                "A new group has at most {MAX_STRANGERS} people who are no friends of yours. Add \
                 others one by one."
            ),
        )),
        (_, contacts) => make_group(tx, me, new, contacts).await,
    }
}

fn count_strangers(contacts: &[Contact]) -> usize {
    contacts.iter().filter(|one| !one.are_friends).count()
}

/// The conversation of two people. It is there for `me` from now on, and for the other one when
/// something has been said in it.
async fn open_direct(tx: &mut Tx, me: UserId, other: &Contact) -> Result<Opened> {
    let (new_id, now) = (tx.new_id(), tx.now());
    store::insert_direct(tx.conn(), new_id, me, other.user_id, now).await?;
    let held = store::lock_direct(tx.conn(), me, other.user_id).await?;
    let id = held.ok_or_else(Error::not_found)?;
    let mine = store::find_part(tx.conn(), id, me).await?;
    match mine.map(|part| part.state) {
        None => {
            entrance(other)?;
            let both = [
                (me, MemberRole::Member, MemberState::Active),
                (other.user_id, MemberRole::Member, MemberState::Unseen),
            ];
            store::upsert_members(tx.conn(), id, &both, 0, now).await?;
            Ok(Opened::New(id))
        }
        Some(MemberState::Unseen | MemberState::Declined) => {
            store::update_state(tx.conn(), id, me, MemberState::Active).await?;
            note_own_change(tx, id, me)?;
            Ok(Opened::New(id))
        }
        Some(_) => Ok(Opened::Known(id)),
    }
}

async fn make_group(
    tx: &mut Tx,
    me: UserId,
    new: &NewConversation,
    contacts: &[Contact],
) -> Result<Opened> {
    let (id, now) = (tx.new_id(), tx.now());
    let title = new.title.as_ref().map(ConversationTitle::as_str);
    let mut people = vec![(me, MemberRole::Owner, MemberState::Active)];
    for contact in contacts {
        people.push((contact.user_id, MemberRole::Member, entrance(contact)?));
    }
    store::insert_group(tx.conn(), id, title, now).await?;
    store::upsert_members(tx.conn(), id, &people, 0, now).await?;
    let created = (Action::Created, None);
    let said = note_in(tx, id, me, created, title.unwrap_or_default()).await?;
    for contact in contacts {
        let invited = GroupInvited {
            conversation_id: id,
            inviter_id: me,
            invitee_id: contact.user_id,
            is_request: !contact.are_friends,
        };
        tx.emit(&invited)?;
    }
    note_change(tx, id, Some(said.seq))?;
    live::tell_message(tx, id, Done::Created, said.message_id, me);
    Ok(Opened::New(id))
}
