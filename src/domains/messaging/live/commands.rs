//! What frames mean: the same as the requests that they stand for, with the same guards, and as one
//! operation with them where both name it alike.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::domains::messaging::actions::Outgoing;
use crate::domains::messaging::model::{Delivered, MessageChange, NewMessage, Read};
use crate::domains::messaging::routes::{answers, guard_pace};
use crate::domains::reactions::SetReaction;
use crate::kernel::ids::Id;
use crate::kernel::{ConversationId, Error, MessageId, Result};
use crate::platform::http::{IfMatch, fit};
use crate::platform::limits::Gate;
use crate::platform::realtime::{Command, Inbound};
use crate::platform::sessions::CurrentUser;
use crate::platform::write::{OpKey, run_as, run_grouped_as};
use crate::platform::{Answer, Ctx, Tx};

const MESSAGES: &str = "/v1/conversations/{id}/messages";
const MESSAGE: &str = "/v1/messages/{id}";
const REACTION: &str = "/v1/messages/{id}/reaction";
const READ: &str = "/v1/conversations/{id}/read";
const DELIVERED: &str = "/v1/conversations/{id}/delivered";

/// The frames of this domain.
pub const COMMANDS: &[Command] = &[
    Command {
        op: "message.send",
        twin: Some(("POST", MESSAGES)),
        run: |ctx, me, frame| Box::pin(send(ctx, me, frame)),
    },
    Command {
        op: "message.edit",
        twin: Some(("PATCH", MESSAGE)),
        run: |ctx, me, frame| Box::pin(edit(ctx, me, frame)),
    },
    Command {
        op: "message.delete",
        twin: Some(("DELETE", MESSAGE)),
        run: |ctx, me, frame| Box::pin(delete(ctx, me, frame)),
    },
    Command {
        op: "reaction.add",
        twin: Some(("PUT", REACTION)),
        run: |ctx, me, frame| Box::pin(react(ctx, me, frame)),
    },
    Command {
        op: "reaction.remove",
        twin: Some(("DELETE", REACTION)),
        run: |ctx, me, frame| Box::pin(unreact(ctx, me, frame)),
    },
    Command {
        op: "read.mark",
        twin: Some(("PUT", READ)),
        run: |ctx, me, frame| Box::pin(read(ctx, me, frame)),
    },
    Command {
        op: "delivered.mark",
        twin: Some(("PUT", DELIVERED)),
        run: |ctx, me, frame| Box::pin(deliver(ctx, me, frame)),
    },
];

/// A frame taken apart: what a path would name, and what a body would hold.
struct Apart<I> {
    id: I,
    body: Value,
    key: Option<OpKey>,
}

impl<I: Id + std::str::FromStr> Apart<I> {
    fn of(frame: &Inbound, name: &str, route: &'static str) -> Result<Self> {
        let mut body: Map<String, Value> = frame.body()?;
        let named = body.remove(name);
        let id = named.as_ref().and_then(Value::as_str);
        let Some(id) = id.and_then(|id| id.parse::<I>().ok()) else {
            let detail = "Name it by its id.";
            return Err(Error::invalid_field(format!("/{name}"), "required", detail));
        };
        let body = Value::Object(body);
        let path = route.replace("{id}", &id.to_string());
        let key = |op_id: &String| OpKey::new(op_id, route, &path, &body);
        let key = frame.op_id.as_ref().map(key).transpose()?;
        Ok(Self { id, body, key })
    }

    fn body<T: DeserializeOwned>(&self) -> Result<T> {
        fit(self.body.clone())
    }
}

/// Does it, and gives the answer under its name.
async fn run(
    ctx: &Ctx,
    me: CurrentUser,
    key: Option<OpKey>,
    name: &str,
    action: impl AsyncFn(&mut Tx) -> Result<Answer>,
) -> Result<Value> {
    let (answer, _is_replayed) = run_as(ctx, me.id, key, action).await?;
    under(name, &answer)
}

fn under(name: &str, answer: &Answer) -> Result<Value> {
    if answer.body.is_empty() {
        return Ok(json!({}));
    }
    let body: Value = serde_json::from_slice(&answer.body).map_err(Error::internal)?;
    Ok(json!({ name: body }))
}

async fn send(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", MESSAGES)?;
    let new: NewMessage = apart.body()?;
    guard_pace(&ctx, &Gate::unheard(&ctx), me.id, apart.id).await?;
    let outgoing = Outgoing {
        author_id: me.id,
        conversation_id: apart.id,
        new,
    };
    let (answer, _is_replayed) = run_grouped_as(&ctx, me.id, apart.key, outgoing).await?;
    under("message", &answer)
}

async fn edit(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", MESSAGE)?;
    let change: MessageChange = apart.body()?;
    run(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        answers::message_edited(tx, me, apart.id, &change, IfMatch(None)).await
    })
    .await
}

async fn delete(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", MESSAGE)?;
    apart.body::<NothingElse>()?;
    run(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        answers::message_deleted(tx, me, apart.id).await
    })
    .await
}

async fn react(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", REACTION)?;
    let reaction: SetReaction = apart.body()?;
    run(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        answers::reacted(tx, me, apart.id, Some(reaction.kind)).await
    })
    .await
}

async fn unreact(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", REACTION)?;
    apart.body::<NothingElse>()?;
    run(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        answers::reacted(tx, me, apart.id, None).await
    })
    .await
}

async fn read(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", READ)?;
    let read: Read = apart.body()?;
    run(&ctx, me, apart.key, "conversation", async |tx: &mut Tx| {
        answers::marked_read(tx, me, apart.id, read).await
    })
    .await
}

async fn deliver(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", DELIVERED)?;
    let delivered: Delivered = apart.body()?;
    run(&ctx, me, apart.key, "conversation", async |tx: &mut Tx| {
        answers::marked_delivered(tx, me, apart.id, delivered).await
    })
    .await
}

/// For frames that name a thing and say nothing else of it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NothingElse {}
