//! What a conversation is to oneself: requests, quiet, put away, cleared.

use actix_web::{HttpResponse, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::messaging::actions;
use crate::domains::messaging::model::MyChange;
use crate::domains::messaging::view::{self, Conversation, ConversationState};
use crate::kernel::ConversationId;
use crate::platform::http::{Body, HttpResult, IfMatch, PathOf, unkept};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(change_my_conversation)
        .service(accept_conversation)
        .service(decline_conversation);
}

/// Make a conversation quiet, put it away, keep it on top, or clear it
///
/// All of it is for yourself alone. What is cleared does not come back; a conversation that is
/// cleared as a whole is back in your list with its next message.
#[utoipa::path(tag = "Messages", request_body = MyChange,
    responses((status = 200, body = ConversationState)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[patch("/conversations/{id}/me")]
async fn change_my_conversation(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    if_match: IfMatch,
    change: Body<MyChange>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::change_mine(tx, me.id, *id, &change, if_match).await?;
        let body = actions::state_now(tx, me.id, *id).await?;
        Answer::versioned(body.version, &body)
    });
    written.await.map(unkept)
}

/// Accept a conversation that you were asked to
///
/// Accepting twice answers the same.
#[utoipa::path(tag = "Messages", responses((status = 200, body = Conversation)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[post("/conversations/{id}/accept")]
async fn accept_conversation(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::accept_conversation(tx, me.id, *id).await?;
        let now = tx.now();
        Answer::ok(&view::conversation(&mut tx.reads(), me.id, *id, now).await?)
    });
    written.await.map(unkept)
}

/// Decline a conversation that you were asked to
///
/// It is gone for you. Of two the other one is not told; of a group it is told that you are not in it. 409 `request_closed` once you are in it.
#[utoipa::path(tag = "Messages", responses((status = 204)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[post("/conversations/{id}/decline")]
async fn decline_conversation(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::decline_conversation(tx, me.id, *id).await?;
        Ok(Answer::nothing())
    });
    written.await.map(unkept)
}
