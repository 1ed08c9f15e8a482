//! What operators tell everybody who listens.
//!
//! Owns the table `announcement`.

mod store;

use std::collections::HashMap;

use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use crate::kernel::ids::Id as _;
use crate::kernel::{AnnouncementId, Result, Timestamp, UserId};
use crate::platform::http::{Body, HttpResult};
use crate::platform::realtime::{EVERYBODY, Event, Live, Member, News, Rendering, Told};
use crate::platform::sessions::Admin;
use crate::platform::{Answer, Ctx, Tx, Writer};
use crate::text_type;

/// What operators tell live.
pub const LIVE: Live = Live {
    topics: &[],
    snapshots: &[],
    renderings: &[Rendering {
        kinds: &["announcement"],
        render: |ctx, _viewer, told| Box::pin(render(ctx, told)),
    }],
    commands: &[],
    events: &[Event::durable(
        "announcement",
        "all",
        &[Member::of::<Announcement>("announcement")],
    )],
};

/// Registers the route.
pub fn configure(cfg: &mut ServiceConfig) {
    cfg.service(announce_to_everybody);
}

text_type!(
    /// What an announcement says.
    AnnouncementText, 1..=2000, multiline
);

/// Something to tell everybody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAnnouncement {
    /// 1 to 2,000 characters.
    #[schema(value_type = String, min_length = 1, max_length = 2000)]
    content: AnnouncementText,
}

/// What everybody is told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Announcement {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    pub id: Uuid,
    /// What it says.
    pub content: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Tell everybody something
///
/// For administrators. Everybody who is connected is told at once, and whoever comes back with their
/// position then.
#[utoipa::path(tag = "Operations", request_body = NewAnnouncement,
    responses((status = 200, body = Announcement)), security(("bearer" = [])))]
#[post("/admin/announcements")]
async fn announce_to_everybody(
    writer: Writer,
    admin: Admin,
    new: Body<NewAnnouncement>,
) -> HttpResult<HttpResponse> {
    let me = admin.0.id;
    writer
        .run(me, async move |tx| {
            let told = announce(tx, Some(me), &new.content).await?;
            Answer::ok(&told)
        })
        .await
}

/// Tells everybody something.
pub async fn announce(
    tx: &mut Tx,
    by: Option<UserId>,
    content: &AnnouncementText,
) -> Result<Announcement> {
    let told = Announcement {
        id: tx.new_id::<AnnouncementId>().uuid(),
        content: content.as_str().trim().to_owned(),
        created_at: tx.now(),
    };
    store::insert(tx.conn(), &told, by).await?;
    tx.publish(News {
        channel: EVERYBODY,
        kind: "announcement",
        object_id: Some(told.id),
        actor: None,
        detail: Value::Null,
    });
    Ok(told)
}

async fn render(ctx: Ctx, told: Vec<Told>) -> Result<Vec<Option<Value>>> {
    let ids: Vec<Uuid> = told.iter().filter_map(|one| one.object_id).collect();
    let found = store::list(&mut *ctx.conn().await?, &ids).await?;
    let found: HashMap<Uuid, Announcement> = found.into_iter().map(|one| (one.id, one)).collect();
    let told = told.into_iter().map(|one| {
        let announcement = one.object_id.and_then(|id| found.get(&id))?;
        Some(json!({"announcement": announcement}))
    });
    Ok(told.collect())
}
