//! How far one has read, and how far messages have arrived.

use actix_web::{HttpResponse, put};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::domains::messaging::actions;
use crate::domains::messaging::model::{Delivered, Read};
use crate::domains::messaging::view::ConversationState;
use crate::kernel::ConversationId;
use crate::platform::Writer;
use crate::platform::http::{Body, HttpResult, PathOf, unkept};
use crate::platform::sessions::CurrentUser;

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(mark_conversation_read)
        .service(mark_conversation_delivered);
}

/// Tell how far you have read
///
/// It only moves forward. With `private` the others are not told, nor are they when your setting
/// `read_receipts` is off or you were only asked to the conversation.
#[utoipa::path(tag = "Messages", request_body = Read,
    responses((status = 200, body = ConversationState)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[put("/conversations/{id}/read")]
async fn mark_conversation_read(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    read: Body<Read>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::marked_read(tx, me, *id, *read).await
    });
    written.await.map(unkept)
}

/// Tell how far messages have arrived
///
/// It only moves forward, and is told to the others as `delivered_up_to`.
#[utoipa::path(tag = "Messages", request_body = Delivered,
    responses((status = 200, body = ConversationState)),
    params(("id" = String, Path, description = "The conversation")), security(("bearer" = [])))]
#[put("/conversations/{id}/delivered")]
async fn mark_conversation_delivered(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<ConversationId>,
    delivered: Body<Delivered>,
) -> HttpResult<HttpResponse> {
    let written = writer.run(me.id, async move |tx| {
        actions::marked_delivered(tx, me, *id, *delivered).await
    });
    written.await.map(unkept)
}
