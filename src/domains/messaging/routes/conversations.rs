//! Conversations: the list, opening one, one of them, its name.

use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::messaging::actions::{self, Opened};
use crate::domains::messaging::model::{ConversationFilter, NewConversation, TitleChange, Wanted};
use crate::domains::messaging::view::{self, Conversation};
use crate::domains::relations::SearchText;
use crate::kernel::page::TimeKey;
use crate::kernel::{ConversationId, Result, Timestamp, UserId};
use crate::platform::http::{
    Body, HttpResult, IfMatch, ListOf, Listing, PageParams, PathOf, json_with_etag, unkept,
};
use crate::platform::limits::Gate;
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Tx, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(list_conversations)
        .service(create_conversation)
        .service(get_conversation)
        .service(rename_conversation);
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConversationsWanted {
    /// Which ones.
    #[serde(default)]
    #[param(inline, required = false)]
    filter: ConversationFilter,
    /// What their title, or the name of another member, holds.
    #[param(value_type = Option<String>, min_length = 1, max_length = 100)]
    q: Option<SearchText>,
    /// Only those that changed after this.
    #[param(value_type = Option<String>, format = DateTime)]
    updated_after: Option<Timestamp>,
}

/// Your conversations
///
/// The one in which something was said last comes first.
#[utoipa::path(tag = "Messages", responses((status = 200, body = ListOf<Conversation>)),
    params(PageParams, ConversationsWanted), security(("bearer" = [])))]
#[get("/conversations")]
async fn list_conversations(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<ConversationsWanted>,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let slice = listing.slice::<TimeKey>()?;
    let q = listing.filter.q.as_ref().map(SearchText::folded);
    let wanted = Wanted {
        filter: listing.filter.filter,
        q: q.as_deref(),
        updated_after: listing.filter.updated_after,
    };
    let page = view::conversations_page(reads, me.id, wanted, &slice, ctx.now()).await?;
    Ok(unkept(listing.respond(page)))
}

/// Open a conversation
///
/// With one person it is the same one each time (200), and they learn of it by its first message.
/// With more it is a new group, in which friends are at once and others when they accept.
#[utoipa::path(tag = "Messages", request_body = NewConversation,
    responses((status = 201, body = Conversation), (status = 200, body = Conversation)),
    security(("bearer" = [])))]
#[post("/conversations")]
async fn create_conversation(
    writer: Writer,
    (ctx, gate): (Ctx, Gate),
    me: CurrentUser,
    new: Body<NewConversation>,
) -> HttpResult<HttpResponse> {
    actions::guard_group_pace(&ctx, &gate, me.id, &new.member_ids).await?;
    let written = writer.run(me.id, async move |tx| {
        let opened = actions::open_conversation(tx, me.id, &new).await?;
        let (Opened::New(id) | Opened::Known(id)) = opened;
        let answer = conversation_now(tx, me.id, id).await?;
        Ok(match opened {
            Opened::New(id) => answer.made_at(format!("/v1/conversations/{id}")),
            Opened::Known(_) => answer,
        })
    });
    written.await.map(unkept)
}

async fn conversation_now(tx: &mut Tx, me: UserId, id: ConversationId) -> Result<Answer> {
    let now = tx.now();
    let body = view::conversation(&mut tx.reads(), me, id, now).await?;
    Answer::versioned(body.version, &body)
}

/// A conversation
///
/// With up to ten of its members, its last message, and what it is to you.
#[utoipa::path(tag = "Messages", responses((status = 200, body = Conversation)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[get("/conversations/{id}")]
async fn get_conversation(
    ctx: Ctx,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    request: HttpRequest,
) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    let body = view::conversation(reads, me.id, *id, ctx.now()).await?;
    Ok(unkept(json_with_etag(&request, body.version, &body)))
}

/// Name a group
///
/// Its owner and admins may.
#[utoipa::path(tag = "Messages", request_body = TitleChange,
    responses((status = 200, body = Conversation)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[patch("/conversations/{id}")]
async fn rename_conversation(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    if_match: IfMatch,
    change: Body<TitleChange>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::rename_conversation(tx, me.id, *id, &change, if_match).await?;
        conversation_now(tx, me.id, *id).await
    });
    written.await.map(unkept)
}
