//! What frames mean: the same as the requests that they stand for, with the same guards, and as one
//! operation with them where both name it alike.

use serde_json::Value;

use crate::domains::messaging::actions::{self, Outgoing};
use crate::domains::messaging::model::{Delivered, MessageChange, NewMessage, Read};
use crate::domains::messaging::routes::{DELIVERED, MESSAGE, MESSAGES, REACTION, READ};
use crate::domains::reactions::SetReaction;
use crate::kernel::{ConversationId, MessageId, Result};
use crate::platform::http::IfMatch;
use crate::platform::limits::Gate;
use crate::platform::realtime::{Apart, Command, Inbound, NothingElse, answer_as, under};
use crate::platform::sessions::CurrentUser;
use crate::platform::write::run_grouped_as;
use crate::platform::{Ctx, Tx};

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

async fn send(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", MESSAGES)?;
    let new: NewMessage = apart.body()?;
    actions::guard_pace(&ctx, &Gate::unheard(&ctx), me.id, apart.id).await?;
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
    answer_as(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        actions::message_edited(tx, me, apart.id, &change, IfMatch(None)).await
    })
    .await
}

async fn delete(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", MESSAGE)?;
    apart.body::<NothingElse>()?;
    answer_as(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        actions::message_deleted(tx, me, apart.id).await
    })
    .await
}

async fn react(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", REACTION)?;
    let reaction: SetReaction = apart.body()?;
    answer_as(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        actions::reacted(tx, me, apart.id, Some(reaction.kind)).await
    })
    .await
}

async fn unreact(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<MessageId>::of(&frame, "message_id", REACTION)?;
    apart.body::<NothingElse>()?;
    answer_as(&ctx, me, apart.key, "message", async |tx: &mut Tx| {
        actions::reacted(tx, me, apart.id, None).await
    })
    .await
}

async fn read(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", READ)?;
    let read: Read = apart.body()?;
    answer_as(&ctx, me, apart.key, "conversation", async |tx: &mut Tx| {
        actions::marked_read(tx, me, apart.id, read).await
    })
    .await
}

async fn deliver(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    let apart = Apart::<ConversationId>::of(&frame, "conversation_id", DELIVERED)?;
    let delivered: Delivered = apart.body()?;
    answer_as(&ctx, me, apart.key, "conversation", async |tx: &mut Tx| {
        actions::marked_delivered(tx, me, apart.id, delivered).await
    })
    .await
}
