//! Messages.

use actix_web::{HttpResponse, delete, get, patch, post, put};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::messaging::actions::{self, Outgoing};
use crate::domains::messaging::model::{MessageChange, NewMessage, SeqKey};
use crate::domains::messaging::view::{self, Message, MessageState, Seen, Wish};
use crate::domains::reactions::{Kind, SetReaction};
use crate::kernel::page::Page;
use crate::kernel::{ConversationId, Error, MessageId, Result};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, PageParams, PathOf, unkept,
};
use crate::platform::limits::Gate;
use crate::platform::sessions::{CurrentUser, Viewer};
use crate::platform::{Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_messages)
        .service(create_message)
        .service(update_message)
        .service(delete_message)
        .service(set_message_reaction)
        .service(delete_message_reaction);
}

#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MessagesWanted {
    /// Only messages after this `seq`, and the oldest of them first.
    after_seq: Option<i64>,
    /// Only messages before this `seq`.
    before_seq: Option<i64>,
}

/// For the API's description: read by `Listing`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by `Listing`, described here")]
struct AroundMessage {
    /// A message of this conversation to put in the middle of the page.
    around: Option<MessageId>,
}

/// What was said in a conversation
///
/// Newest first, unless `after_seq` is given. There is no gap between the places of messages.
#[utoipa::path(tag = "Messages", responses((status = 200, body = ListOf<Message>)),
    params(("id" = String, Path, description = "The conversation"), PageParams, MessagesWanted,
        AroundMessage),
    security(("bearer" = [])))]
#[get("/conversations/{id}/messages")]
async fn list_messages(
    ctx: Ctx,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    listing: Listing<MessagesWanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let seen = view::guard(reads, me.id, *id).await?;
    let page = read_page(reads, me.viewer(), &seen, &listing).await?;
    Ok(unkept(listing.respond(page)))
}

async fn read_page(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    seen: &Seen,
    listing: &Listing<MessagesWanted>,
) -> Result<Page<SeqKey, Message>> {
    let MessagesWanted {
        after_seq,
        before_seq,
    } = listing.filter;
    let wish = Wish {
        after_seq,
        before_seq,
    };
    let Some(around) = &listing.around else {
        return view::page(reads, viewer, seen, wish, &listing.slice()?).await;
    };
    if after_seq.or(before_seq).is_some() {
        let detail = "Give either a message to look around, or places, not both.";
        return Err(Error::invalid_field("?around", "conflict", detail));
    }
    let message_id = around.parse().map_err(|_no_id| Error::not_found())?;
    let slices = |key: &SeqKey| listing.slices_around(key);
    view::around(reads, viewer, seen, message_id, slices).await
}

/// Write a message
///
/// It gets the next `seq` of the conversation. Writing in a conversation that you were asked to
/// accepts it.
#[utoipa::path(tag = "Messages", request_body = NewMessage,
    responses((status = 201, body = Message)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[post("/conversations/{id}/messages")]
async fn create_message(
    writer: Writer,
    (ctx, gate): (Ctx, Gate),
    me: CurrentUser,
    id: PathOf<ConversationId>,
    new: Body<NewMessage>,
) -> HttpResult<HttpResponse> {
    actions::guard_pace(&ctx, &gate, me.id, *id).await?;
    let outgoing = Outgoing {
        author_id: me.id,
        conversation_id: *id,
        new: new.into_inner(),
    };
    writer.run_grouped(me.id, outgoing).await.map(unkept)
}

/// Change a message
///
/// Only its author may.
#[utoipa::path(tag = "Messages", request_body = MessageChange,
    responses((status = 200, body = Message)),
    params(("id" = String, Path, description = "The message")), security(("bearer" = [])))]
#[patch("/messages/{id}")]
async fn update_message(
    writer: Writer,
    me: CurrentUser,
    message_id: PathOf<MessageId>,
    if_match: IfMatch,
    change: Body<MessageChange>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::message_edited(tx, me, *message_id, &change, if_match).await
    });
    written.await.map(unkept)
}

/// Delete a message for everybody
///
/// Its author may, and the owner and admins of the group. It stays in its place, without words.
#[utoipa::path(tag = "Messages", responses((status = 204)),
    params(("id" = String, Path, description = "The message")), security(("bearer" = [])))]
#[delete("/messages/{id}")]
async fn delete_message(
    writer: Writer,
    me: CurrentUser,
    message_id: PathOf<MessageId>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::message_deleted(tx, me, *message_id).await
    });
    written.await.map(unkept)
}

/// React to a message
///
/// One reaction a person; another kind replaces it.
#[utoipa::path(tag = "Messages", request_body = SetReaction,
    responses((status = 200, body = MessageState)),
    params(("id" = String, Path, description = "The message")), security(("bearer" = [])))]
#[put("/messages/{id}/reaction")]
async fn set_message_reaction(
    writer: Writer,
    me: CurrentUser,
    message_id: PathOf<MessageId>,
    reaction: Body<SetReaction>,
) -> HttpResult<HttpResponse> {
    change_reaction(writer, me, *message_id, Some(reaction.kind)).await
}

/// Take your reaction to a message back
///
/// Again, it changes nothing. Answers as giving one does.
#[utoipa::path(tag = "Messages", responses((status = 200, body = MessageState)),
    params(("id" = String, Path, description = "The message")), security(("bearer" = [])))]
#[delete("/messages/{id}/reaction")]
async fn delete_message_reaction(
    writer: Writer,
    me: CurrentUser,
    message_id: PathOf<MessageId>,
) -> HttpResult<HttpResponse> {
    change_reaction(writer, me, *message_id, None).await
}

async fn change_reaction(
    writer: Writer,
    me: CurrentUser,
    message_id: MessageId,
    kind: Option<Kind>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::reacted(tx, me, message_id, kind).await
    });
    written.await.map(unkept)
}
