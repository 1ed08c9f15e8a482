//! The list of notifications, and how far it was looked at.

use actix_web::{HttpResponse, delete, get, put};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_actix_web::service_config::ServiceConfig;

use super::super::actions::{self, UpTo};
use super::super::view::{self, Counts, Grouping, Notification};
use crate::kernel::NotificationId;
use crate::platform::http::{Body, HttpResult, ListOf, Listing, PageParams, PathOf, ok};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Answer, Ctx, Reads, Writer};

pub(super) fn configure(cfg: &mut ServiceConfig) {
    cfg.service(get_counts)
        .service(list_notifications)
        .service(mark_notifications_seen)
        .service(mark_all_notifications_read)
        .service(mark_notification_read)
        .service(delete_notification);
}

/// How much waits for you
///
/// The same object greets a socket, and follows as `counts.changed`.
#[utoipa::path(tag = "Notifications", responses((status = 200, body = Counts)),
    security(("bearer" = [])))]
#[get("/me/counts")]
async fn get_counts(ctx: Ctx, me: CurrentUser) -> HttpResult<HttpResponse> {
    let reads = &mut Reads::cached(&ctx);
    Ok(ok(view::counts(&ctx, reads, me.id).await?))
}

#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotificationFilter {
    /// Whether what belongs together is one notification; otherwise each thing that somebody did is.
    #[serde(default = "is_grouped")]
    #[param(required = false, default = true)]
    grouped: bool,
}

fn is_grouped() -> bool {
    true
}

/// Your notifications
///
/// Newest first, grouped unless you say `grouped=false`. What you may not see any more is left out.
#[utoipa::path(tag = "Notifications", params(PageParams, NotificationFilter),
    responses((status = 200, body = ListOf<Notification>)), security(("bearer" = [])))]
#[get("/notifications")]
async fn list_notifications(
    ctx: Ctx,
    me: CurrentUser,
    listing: Listing<NotificationFilter>,
) -> HttpResult<HttpResponse> {
    let grouping = if listing.filter.grouped {
        Grouping::Grouped
    } else {
        Grouping::Single
    };
    let page = view::page(&ctx, me.id, grouping, &listing.slice()?).await?;
    Ok(listing.respond(page))
}

/// Say how far you have seen the list
///
/// It clears what is new, and leaves unread what is unread. It never moves back.
#[utoipa::path(tag = "Notifications", request_body = UpTo,
    responses((status = 200, body = Counts)), security(("bearer" = [])))]
#[put("/notifications/seen")]
async fn mark_notifications_seen(
    writer: Writer,
    me: CurrentUser,
    up_to: Body<UpTo>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::mark_seen(tx, me.id, &up_to).await?;
            let ctx = tx.ctx().clone();
            Answer::ok(&view::counts(&ctx, &mut tx.reads(), me.id).await?)
        })
        .await
}

/// Mark everything as read
///
/// Everything up to then; it never moves back.
#[utoipa::path(tag = "Notifications", request_body = UpTo,
    responses((status = 200, body = Counts)), security(("bearer" = [])))]
#[put("/notifications/read-all")]
async fn mark_all_notifications_read(
    writer: Writer,
    me: CurrentUser,
    up_to: Body<UpTo>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::mark_all_read(tx, me.id, &up_to).await
        })
        .await
}

/// Mark a notification as read
///
/// As far as it has come by now: when something new happens in it, it is unread again.
#[utoipa::path(tag = "Notifications", params(("id" = String, Path, description = "The notification")),
    responses((status = 200, body = Notification)), security(("bearer" = [])))]
#[put("/notifications/{id}/read")]
async fn mark_notification_read(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<NotificationId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::mark_read(tx, me.id, *id).await
        })
        .await
}

/// Delete a notification
///
/// It comes back when something new happens in it.
#[utoipa::path(tag = "Notifications", params(("id" = String, Path, description = "The notification")),
    responses((status = 204)), security(("bearer" = [])))]
#[delete("/notifications/{id}")]
async fn delete_notification(
    writer: Writer,
    me: CurrentUser,
    id: PathOf<NotificationId>,
) -> HttpResult<HttpResponse> {
    writer
        .run(me.id, async move |tx| {
            actions::delete_notification(tx, me.id, *id).await?;
            Ok(Answer::nothing())
        })
        .await
}
