//! Turns ids of messages into messages for a viewer, in a handful of bulk reads.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::message::{Message, MessageViewer, ReplyTo, SystemFact};
use super::seen::MembershipKey;
use crate::domains::messaging::cache::MESSAGE;
use crate::domains::messaging::model::{MessageEntry, excerpt};
use crate::domains::posts;
use crate::domains::reactions::{self, Kind, Summary, TargetKind};
use crate::domains::users::{self, Person};
use crate::kernel::ids::Id as _;
use crate::kernel::{Error, MessageId, Result, Timestamp, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// Messages by id, in the order given. Whoever lists the ids has decided that they may be seen: who
/// sees a conversation sees what is said in it. Without a viewer it is what everybody sees.
pub async fn messages(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    let rows = reads.get_many(&MESSAGE, ids).await?;
    let mut beside = Beside::load(reads, &rows).await?;
    beside.add_reactions(reads, viewer, &rows).await?;
    let shown = ids.iter().filter_map(|id| rows.get(id));
    Ok(shown.filter_map(|row| beside.dress(viewer, row)).collect())
}

/// Messages as they are to somebody who left their conversation at an instant, if they did: without what came after
/// that.
pub async fn messages_then(
    reads: &mut Reads<'_>,
    found: Vec<(Message, Option<Timestamp>)>,
) -> Result<Vec<Message>> {
    let reacted_to = found.iter().filter(|(one, _)| one.reactions.total() > 0);
    let asked = reacted_to.filter_map(|(one, left_at)| Some((one.id.uuid(), (*left_at)?)));
    let asked: Vec<(Uuid, Timestamp)> = asked.collect();
    let mut then = reactions::summaries_then(reads, TargetKind::Message, &asked).await?;
    let shown = found.into_iter().map(|(message, left_at)| match left_at {
        Some(left_at) => {
            let reactions = then.remove(&message.id.uuid()).unwrap_or_default();
            message.as_of(left_at, reactions)
        }
        None => message,
    });
    Ok(shown.collect())
}

/// The newest message of conversations as it is to each of those who see it. What it is to all of them is
/// made once.
pub async fn messages_to_each(
    reads: &mut Reads<'_>,
    wanted: &HashMap<MembershipKey, MessageId>,
) -> Result<HashMap<MembershipKey, Message>> {
    let ids: Vec<MessageId> = distinct(wanted.values().copied());
    let shared = messages(reads, Viewer::ANONYMOUS, &ids).await?.into_iter();
    let shared: HashMap<MessageId, Message> = shared.map(|one| (one.id, one)).collect();
    let rows = reads.get_many(&MESSAGE, &ids).await?;
    let mut found = HashMap::with_capacity(wanted.len());
    for (part, id) in wanted {
        let (Some(message), Some(row)) = (shared.get(id), rows.get(id)) else {
            continue;
        };
        let (me, target) = (part.1, id.uuid());
        // To what is new nobody has reacted, and then nobody is asked.
        let reaction = if message.reactions.total() > 0 {
            let own = reactions::own(reads, me, TargetKind::Message, &[target]).await?;
            own.get(&target).copied()
        } else {
            None
        };
        let shown = Message {
            viewer: Some(MessageViewer { reaction }),
            op_id: op_id_for(Viewer::from(me), row),
            ..message.clone()
        };
        found.insert(*part, shown);
    }
    Ok(found)
}

/// Messages that were just made, each for its author: nobody has reacted to them yet.
pub async fn fresh(
    reads: &mut Reads<'_>,
    made: Vec<MessageEntry>,
) -> Result<HashMap<MessageId, Message>> {
    let made = made.into_iter().map(|row| (row.message_id, Arc::new(row)));
    let rows: Rows = made.collect();
    let beside = Beside::load(reads, &rows).await?;
    let shown = rows.iter().filter_map(|(id, row)| {
        let author = Viewer::from(row.author_id);
        Some((*id, beside.dress(author, row)?))
    });
    Ok(shown.collect())
}

/// One message, whoever may see it.
pub async fn message(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    message_id: MessageId,
) -> Result<Message> {
    let found = messages(reads, viewer, &[message_id]).await?.pop();
    found.ok_or_else(Error::not_found)
}

type Rows = HashMap<MessageId, Arc<MessageEntry>>;

/// What is shown with messages and comes from elsewhere.
struct Beside {
    answered: Rows,
    people: HashMap<UserId, Person>,
    summaries: HashMap<Uuid, Arc<Summary>>,
    own: HashMap<Uuid, Kind>,
}

impl Beside {
    /// Whom they show, and what they answer.
    async fn load(reads: &mut Reads<'_>, rows: &Rows) -> Result<Self> {
        let answered: Vec<MessageId> = rows.values().filter_map(|row| row.reply_to_id).collect();
        let mut answered = reads.get_many(&MESSAGE, &answered).await?;
        answered.extend(rows.iter().map(|(id, row)| (*id, Arc::clone(row))));
        let subjects = rows.values().filter_map(|row| row.subject_id);
        let authors = answered.values().map(|row| row.author_id);
        let people: Vec<UserId> = distinct(authors.chain(subjects));
        Ok(Self {
            answered,
            people: users::people(reads, &people).await?,
            summaries: HashMap::new(),
            own: HashMap::new(),
        })
    }

    async fn add_reactions(
        &mut self,
        reads: &mut Reads<'_>,
        viewer: Viewer,
        rows: &Rows,
    ) -> Result<()> {
        // What somebody else has reacted to can only be what is neither deleted nor the system's.
        let targets = rows.values();
        let targets = targets.filter(|row| !row.deleted && row.action.is_none());
        let targets: Vec<Uuid> = targets.map(|row| row.message_id.uuid()).collect();
        self.summaries = reactions::summaries(reads, TargetKind::Message, &targets).await?;
        if let Some(me) = viewer.id().filter(|_| !targets.is_empty()) {
            self.own = reactions::own(reads, me, TargetKind::Message, &targets).await?;
        }
        Ok(())
    }

    fn dress(&self, viewer: Viewer, row: &MessageEntry) -> Option<Message> {
        let target = row.message_id.uuid();
        let summary = self.summaries.get(&target);
        Some(Message {
            id: row.message_id,
            conversation_id: row.conversation_id,
            seq: row.seq,
            kind: row.kind(),
            author: self.people.get(&row.author_id)?.clone(),
            entities: match row.action {
                Some(_) => Vec::new(),
                None => posts::entities(&row.content),
            },
            content: row.content.clone(),
            media: Vec::new(),
            system: row.action.map(|action| SystemFact {
                action,
                user: row.subject_id.and_then(|id| self.people.get(&id).cloned()),
            }),
            reply_to: row.reply_to_id.and_then(|id| self.reply_to(id)),
            reactions: summary.map(|counts| (**counts).clone()).unwrap_or_default(),
            viewer: viewer.id().map(|_| MessageViewer {
                reaction: self.own.get(&target).copied(),
            }),
            op_id: op_id_for(viewer, row),
            created_at: row.created_at,
            edited_at: row.edited_at.filter(|_| !row.deleted),
            deleted: row.deleted,
            version: row.version,
        })
    }

    fn reply_to(&self, message_id: MessageId) -> Option<ReplyTo> {
        let row = self.answered.get(&message_id)?;
        Some(ReplyTo {
            id: row.message_id,
            seq: row.seq,
            author: self.people.get(&row.author_id)?.clone(),
            excerpt: (!row.deleted).then(|| excerpt(&row.content)),
            edited_at: row.edited_at,
        })
    }
}

/// What a message was written with is shown to its author alone.
fn op_id_for(viewer: Viewer, row: &MessageEntry) -> Option<String> {
    let is_shown = viewer.is(row.author_id) && !row.deleted;
    row.op_id.clone().filter(|_| is_shown)
}
