//! What people see of their sign-in, their sessions and their security log.

use serde::Serialize;
use utoipa::ToSchema;

use super::model::EventKind;
use super::store;
use crate::domains::users::{self, Me};
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Result, SecurityEventId, SessionId, Timestamp, UserId};
use crate::platform::sessions::{self, Activity, CurrentUser, ListedSession, Tokens};
use crate::platform::{Ctx, Tx};

/// The answer to registration and sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// Oneself.
    pub user: Me,
    /// The session's secrets.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// Oneself with a session that was just opened.
pub async fn signed_in(tx: &mut Tx, user_id: UserId, tokens: Tokens) -> Result<SignedIn> {
    let user = users::me(&mut tx.reads(), user_id).await?;
    Ok(SignedIn { user, tokens })
}

/// A device that is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Whether this request came by it.
    pub current: bool,
    /// The client's own name for itself.
    #[schema(required)]
    pub device_id: Option<String>,
    /// What a person calls the device.
    #[schema(required)]
    pub device_name: Option<String>,
    /// Network address of its last exchange.
    pub address: String,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last used. What other servers have seen follows within half a minute.
    #[schema(value_type = String, format = DateTime)]
    pub last_active_at: Timestamp,
    /// When it ends unless it is used.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

impl SessionView {
    /// A session as the owner of `current` sees it.
    fn new(row: ListedSession, current: SessionId, activity: &Activity) -> Self {
        Self {
            id: row.session_id,
            current: row.session_id == current,
            device_id: row.device_id,
            device_name: row.device_name,
            address: row.address,
            created_at: row.created_at,
            last_active_at: activity.last(row.session_id, row.last_active_at),
            expires_at: row.expires_at,
        }
    }
}

/// A page of the devices that are signed in as `me`, the newest session first.
pub async fn sessions(
    ctx: &Ctx,
    me: CurrentUser,
    activity: &Activity,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, SessionView>> {
    let conn = &mut *ctx.conn().await?;
    let rows = sessions::list_sessions(conn, me.id, ctx.now(), slice).await?;
    let seen = |(key, row)| (key, SessionView::new(row, me.session_id, activity));
    Ok(slice.page(rows.into_iter().map(seen).collect()))
}

/// A line of the security log.
#[derive(Debug, Serialize, ToSchema)]
pub struct SecurityEvent {
    /// Its id.
    pub id: SecurityEventId,
    /// What happened.
    pub kind: EventKind,
    /// Network address it came from.
    pub address: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The session it happened in or to.
    #[schema(required)]
    pub session_id: Option<SessionId>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl SecurityEvent {
    fn new(row: &store::EventRow) -> Self {
        Self {
            id: SecurityEventId::from_uuid(row.security_event_id),
            kind: row.kind,
            address: row.address.clone(),
            user_agent: row.user_agent.clone(),
            session_id: row.session_id,
            created_at: row.created_at,
        }
    }
}

/// A page of a person's security log, newest first.
pub async fn security_log(
    ctx: &Ctx,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, SecurityEvent>> {
    let page = store::list_events(&mut *ctx.conn().await?, user_id, slice).await?;
    let events = page.items.iter().map(SecurityEvent::new).collect();
    Ok(page.with_items(events))
}
