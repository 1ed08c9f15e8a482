//! Writing messages: those that come at once together, each in another conversation.

use std::collections::HashMap;

use futures_util::future::BoxFuture;

use super::forbidden;
use super::requests::enter;
use crate::domains::messaging::events::{MessageCreated, MessageRequested};
use crate::domains::messaging::live;
use crate::domains::messaging::model::{
    Bounds, MemberState, MessageEntry, NewMessage, can_write, takes_messages,
};
use crate::domains::messaging::store::{self, Counterpart, Facts, NewRow};
use crate::domains::messaging::view::{self, Message};
use crate::kernel::{ConversationId, Error, MessageId, Result, UserId};
use crate::platform::write::{Asked, Grouped};
use crate::platform::{Answer, Tx};

/// A message that somebody wants to write.
#[derive(Debug)]
pub struct Outgoing {
    /// Who writes it.
    pub author_id: UserId,
    /// Where.
    pub conversation_id: ConversationId,
    /// What it says.
    pub new: NewMessage,
}

impl Grouped for Outgoing {
    type Lane = ConversationId;

    fn lane(&self) -> ConversationId {
        self.conversation_id
    }

    fn write<'a>(
        tx: &'a mut Tx,
        asked: &'a [Asked<'a, Self>],
    ) -> BoxFuture<'a, Result<Vec<Result<Answer>>>> {
        Box::pin(async move {
            let sent = send_messages(tx, asked).await?;
            let answers = sent.into_iter().map(|one| match one {
                Ok(message) => Ok(Ok(message_made(&message)?)),
                Err(refused) => Ok(Err(refused)),
            });
            answers.collect()
        })
    }
}

/// A message that was written.
fn message_made(body: &Message) -> Result<Answer> {
    let id = body.conversation_id;
    let place = format!("/v1/conversations/{id}/messages?around={}", body.id);
    Answer::created(place, body.version, body)
}

/// What decides whether messages may be written, read while their conversations are held.
struct Scene {
    facts: HashMap<ConversationId, Facts>,
    /// The others in direct conversations.
    counterparts: HashMap<ConversationId, Counterpart>,
    /// The messages that are answered.
    answered: HashMap<MessageId, MessageEntry>,
}

/// Writes messages, each in another conversation, where it gets the next place; tells them as their
/// authors are answered. Whoever was asked to a conversation accepts by that.
async fn send_messages(tx: &mut Tx, asked: &[Asked<'_, Outgoing>]) -> Result<Vec<Result<Message>>> {
    let scene = Scene::hold(tx, asked).await?;
    let (mut verdicts, mut rows) = (Vec::with_capacity(asked.len()), Vec::new());
    for one in asked {
        let verdict = scene.judge(one.write);
        verdicts.push(match verdict {
            Ok(facts) => {
                tx.set_op_id(one.op_id);
                scene.make_way(tx, one.write, facts).await?;
                live::tell_caught_up(tx, one.write.author_id, facts);
                let row = row(tx, one);
                let message_id = row.message_id;
                rows.push(row);
                Ok(message_id)
            }
            Err(error) => Err(error),
        });
    }
    let mut made = write(tx, &rows).await?;
    let outcomes = asked.iter().zip(verdicts).map(|(one, verdict)| {
        let message_id = match verdict {
            Ok(message_id) => message_id,
            Err(error) => return Ok(Err(error)),
        };
        let message = made.remove(&message_id).ok_or_else(Error::not_found)?;
        tx.set_op_id(one.op_id);
        tell(tx, &message)?;
        Ok(Ok(message))
    });
    outcomes.collect()
}

async fn write(tx: &mut Tx, rows: &[NewRow<'_>]) -> Result<HashMap<MessageId, Message>> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let now = tx.now();
    let made = store::insert_messages(tx.conn(), rows, now).await?;
    view::fresh(&mut tx.reads(), made).await
}

fn row<'a>(tx: &Tx, one: &Asked<'a, Outgoing>) -> NewRow<'a> {
    let Outgoing {
        author_id,
        conversation_id,
        new,
    } = one.write;
    NewRow {
        message_id: tx.new_id(),
        conversation_id: *conversation_id,
        author_id: *author_id,
        content: new.content.as_str(),
        action: None,
        subject_id: None,
        reply_to_id: new.reply_to,
        op_id: one.op_id,
    }
}

fn tell(tx: &mut Tx, message: &Message) -> Result<()> {
    live::tell_made(tx, message);
    tx.emit(&MessageCreated {
        conversation_id: message.conversation_id,
        message_id: message.id,
        author_id: message.author.id,
        seq: message.seq,
    })
}

impl Scene {
    /// Holds the conversations, and reads afterwards what was true before and may have changed while
    /// others held them.
    async fn hold(tx: &mut Tx, asked: &[Asked<'_, Outgoing>]) -> Result<Self> {
        let parts: Vec<(UserId, ConversationId)> = (asked.iter())
            .map(|one| (one.write.author_id, one.write.conversation_id))
            .collect();
        store::lock_conversations(tx.conn(), &parts).await?;
        let facts = store::list_facts(tx.conn(), &parts).await?;
        let facts: HashMap<_, _> = (facts.into_iter())
            .map(|facts| (facts.conversation_id, facts))
            .collect();
        let direct: Vec<(ConversationId, UserId, UserId)> = (parts.into_iter())
            .filter_map(|(me, id)| Some((id, me, facts.get(&id)?.other(me)?)))
            .collect();
        let answered: Vec<MessageId> = (asked.iter())
            .filter_map(|one| one.write.new.reply_to)
            .collect();
        Ok(Self {
            facts,
            counterparts: counterparts(tx, &direct).await?,
            answered: answered_by_id(tx, &answered).await?,
        })
    }

    /// Whether this may be written.
    fn judge(&self, outgoing: &Outgoing) -> Result<&Facts> {
        let facts = self.facts.get(&outgoing.conversation_id);
        let facts = facts.ok_or_else(Error::not_found)?;
        if facts.state == MemberState::Left {
            return Err(forbidden("You have left this conversation."));
        }
        let other = self.counterparts.get(&outgoing.conversation_id);
        let is_direct = facts.other(outgoing.author_id).is_some();
        if is_direct && !other.is_some_and(|other| reaches(facts, other)) {
            return Err(forbidden("This person does not take your messages."));
        }
        if let Some(reply_to) = outgoing.new.reply_to {
            self.guard_answer(facts, reply_to)?;
        }
        Ok(facts)
    }

    /// Refuses an answer to what is no message of this conversation that can be seen and answered.
    fn guard_answer(&self, facts: &Facts, reply_to: MessageId) -> Result<()> {
        let bounds = Bounds {
            floor: facts.cleared_up_to,
            top: i64::MAX,
        };
        let is_there = self.answered.get(&reply_to).is_some_and(|message| {
            let is_here = message.conversation_id == facts.conversation_id;
            is_here && bounds.has(message.seq) && !message.deleted && message.action.is_none()
        });
        if is_there {
            return Ok(());
        }
        Err(Error::invalid_field(
            "/reply_to",
            "not_found",
            "There is no such message in this conversation that you can answer.",
        ))
    }

    /// Lets both in: the other one of a direct conversation has it from the first message on, from a
    /// friend at once, from a stranger as a request; and who was asked to it accepts by writing.
    async fn make_way(&self, tx: &mut Tx, outgoing: &Outgoing, facts: &Facts) -> Result<()> {
        let (me, id) = (outgoing.author_id, outgoing.conversation_id);
        if let Some(other) = self.counterparts.get(&id)
            && state_of(other) == MemberState::Unseen
        {
            introduce(tx, id, me, other).await?;
        }
        if facts.state == MemberState::Request {
            enter(tx, me, facts).await?;
        }
        Ok(())
    }
}

async fn counterparts(
    tx: &mut Tx,
    direct: &[(ConversationId, UserId, UserId)],
) -> Result<HashMap<ConversationId, Counterpart>> {
    if direct.is_empty() {
        return Ok(HashMap::new());
    }
    store::list_counterparts(tx.conn(), direct).await
}

async fn answered_by_id(
    tx: &mut Tx,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, MessageEntry>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found = store::list_messages(tx.conn(), ids).await?.into_iter();
    Ok(found.map(|message| (message.message_id, message)).collect())
}

fn state_of(other: &Counterpart) -> MemberState {
    other.state.unwrap_or(MemberState::Unseen)
}

fn are_friends(other: &Counterpart) -> bool {
    (other.contact.as_ref()).is_some_and(|contact| contact.are_friends)
}

/// Whether what is written in a direct conversation reaches the other one.
fn reaches(facts: &Facts, other: &Counterpart) -> bool {
    let takes = (other.contact.as_ref())
        .is_some_and(|contact| takes_messages(contact.who_can_message, contact.are_friends));
    let other_part = (state_of(other), other.contact.is_some(), takes);
    can_write(facts.state, Some(other_part))
}

async fn introduce(tx: &mut Tx, id: ConversationId, me: UserId, other: &Counterpart) -> Result<()> {
    if are_friends(other) {
        return store::update_state(tx.conn(), id, other.user_id, MemberState::Active).await;
    }
    store::update_state(tx.conn(), id, other.user_id, MemberState::Request).await?;
    tx.emit(&MessageRequested {
        conversation_id: id,
        sender_id: me,
        recipient_id: other.user_id,
    })
}
