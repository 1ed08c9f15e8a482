//! Who is calling: sessions, their tokens, and the extractors that prove a caller.
//!
//! Owns the tables `session` and `refresh_token`. A session sits below the people it belongs to:
//! [`CurrentUser`] carries ids and a role and needs no row of theirs. Revoking a session counts from
//! the next request on, because every request asks for its session.

mod access;
mod activity;
mod cache;
mod ending;
mod extract;
mod refresh;
mod role;
mod state;
mod store;
mod verified;

use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

use crate::kernel::{OpaqueToken, Result, SessionId, Timestamp, UserId};
use crate::platform::Tx;
use crate::platform::http::ClientAddress;
use crate::text_type;

pub use access::ACCESS_TOKEN_SECONDS;
pub use access::{Bearer, verify};
pub use activity::Activity;
pub use cache::{SESSION, SPACES};
pub use ending::{EndReason, end, end_all, end_own};
pub use extract::{
    Admin, CurrentUser, SignedIn, Viewer, bearer_of, has_ended, is_over, living, seat, suspended,
};
pub use refresh::{Refreshed, owner_of, presented, refresh};
pub use role::{Permission, Role};
pub use state::AccountState;
pub use store::{
    ListedSession, Session, delete_dead, list_active, list_last_active, list_sessions,
};
pub use verified::VerifiedTokens;

/// A session ends this long after its last use.
pub const IDLE: TimeDelta = TimeDelta::days(30);
/// A session ends this long after its beginning, however much it is used.
pub const LONGEST: TimeDelta = TimeDelta::days(180);

text_type!(
    /// The client's own name for itself; the same device again replaces its session.
    DeviceId, 1..=128, single
);

/// The device and the place that a session is opened from.
#[derive(Debug, Clone)]
pub struct Device {
    /// The client's own name for itself; the same device again replaces its session.
    pub id: Option<String>,
    /// What a person calls the device.
    pub name: Option<String>,
    /// Network address.
    pub address: String,
    /// `User-Agent`.
    pub agent: String,
}

impl From<ClientAddress> for Device {
    fn from(client: ClientAddress) -> Self {
        Self {
            id: None,
            name: None,
            address: client.address.to_string(),
            agent: client.user_agent.unwrap_or_default(),
        }
    }
}

/// The secrets that a session is used with.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds that the access token lives.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// Exchanges for the next pair, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The session.
    pub session_id: SessionId,
}

/// Opens a session for `user_id`. A session of the same device is ended first.
pub async fn open(tx: &mut Tx, user_id: UserId, device: &Device) -> Result<Tokens> {
    let now = tx.now();
    if let Some(device_id) = &device.id {
        store::revoke_device(tx.conn(), user_id, device_id, now).await?;
    }
    let session_id: SessionId = tx.new_id();
    let ends_at = now + LONGEST;
    store::insert_session(
        tx.conn(),
        session_id,
        user_id,
        device,
        now,
        now + IDLE,
        ends_at,
    )
    .await?;
    let token = OpaqueToken::new(tx.ids().bytes());
    // The next request of this session asks for it.
    tx.keep_warm(&SESSION, (user_id, session_id));
    store::insert_refresh_token(tx.conn(), &token.hash(), session_id, now).await?;
    tokens(tx, user_id, session_id, token.reveal())
}

/// Notes that the person of a session has just given their password there.
pub async fn note_confirmed(tx: &mut Tx, session_id: SessionId) -> Result<()> {
    let now = tx.now();
    store::mark_reauthenticated(tx.conn(), session_id, now).await
}

fn tokens(
    tx: &Tx,
    user_id: UserId,
    session_id: SessionId,
    refresh_token: String,
) -> Result<Tokens> {
    Ok(Tokens {
        access_token: access::sign(
            tx.ctx(),
            user_id,
            session_id,
            tx.now(),
            ACCESS_TOKEN_SECONDS,
        )?,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        refresh_token: Some(refresh_token),
        session_id,
    })
}

/// An access token that lives for `seconds`, for tools such as `kith token mint`. It counts only as
/// long as its session does.
pub fn mint(
    ctx: &crate::platform::Ctx,
    user_id: UserId,
    session_id: SessionId,
    now: Timestamp,
    seconds: i64,
) -> Result<String> {
    access::sign(ctx, user_id, session_id, now, seconds)
}
