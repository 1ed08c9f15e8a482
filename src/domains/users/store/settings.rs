//! Settings of people.

use serde::{Deserialize, Serialize};

use super::super::model::{
    Digest, FriendListAudience, MessagePolicy, RequestPolicy, SimpleAudience,
};
use crate::infra::db::Conn;
use crate::kernel::{Error, Result, Timestamp, UserId};

/// A person's settings as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsRow {
    /// Whom posts are for when nothing else is said.
    pub default_audience: SimpleAudience,
    /// Who may ask for friendship.
    pub who_can_request: RequestPolicy,
    /// Who may write a message without being asked.
    pub who_can_message: MessagePolicy,
    /// Who may see the list of friends.
    pub who_sees_friends: FriendListAudience,
    /// Whether search finds the person.
    pub searchable: bool,
    /// Whether friends see that the person is online.
    pub show_presence: bool,
    /// Whether friends see when the person was last here; works both ways.
    pub show_last_active: bool,
    /// Whether others see what the person has read; works both ways.
    pub read_receipts: bool,
    /// Whether the person is suggested to others.
    pub suggestions: bool,
    /// How often a summary comes by mail.
    pub email_digest: Digest,
    /// Language tag.
    pub language: String,
    /// Time zone.
    pub time_zone: String,
    /// The frontend's own settings, as the text of a JSON object.
    pub client: String,
    /// Counts edits.
    pub version: i64,
}

impl SettingsRow {
    /// The frontend's own settings.
    pub fn client(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.client).map_err(Error::internal)
    }
}

/// A person's settings.
pub async fn load_settings(conn: &mut Conn, user_id: UserId) -> Result<SettingsRow> {
    let found = list_settings(conn, &[user_id]).await?.pop();
    Ok(found.ok_or_else(Error::not_found)?.1)
}

/// The settings of some people.
pub async fn list_settings(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, SettingsRow)>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id: UserId",
                  default_audience as "default_audience: SimpleAudience",
                  who_can_request as "who_can_request: RequestPolicy",
                  who_can_message as "who_can_message: MessagePolicy",
                  who_sees_friends as "who_sees_friends: FriendListAudience",
                  searchable, show_presence, show_last_active, read_receipts, suggestions,
                  email_digest as "email_digest: Digest", language, time_zone,
                  client::text as "client!", version
           from user_settings where user_id = any(array(select unnest($1::uuid[])))"#,
        ids as _
    )
    .fetch_all(conn)
    .await?;
    let settings = rows.into_iter().map(|row| {
        let settings = SettingsRow {
            default_audience: row.default_audience,
            who_can_request: row.who_can_request,
            who_can_message: row.who_can_message,
            who_sees_friends: row.who_sees_friends,
            searchable: row.searchable,
            show_presence: row.show_presence,
            show_last_active: row.show_last_active,
            read_receipts: row.read_receipts,
            suggestions: row.suggestions,
            email_digest: row.email_digest,
            language: row.language,
            time_zone: row.time_zone,
            client: row.client,
            version: row.version,
        };
        (row.user_id, settings)
    });
    Ok(settings.collect())
}

/// Locks a person's settings until the transaction ends.
pub async fn lock_settings(conn: &mut Conn, user_id: UserId) -> Result<()> {
    sqlx::query_scalar!(
        "select 1 from user_settings where user_id = $1 for update",
        user_id as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// Writes all of a person's settings.
pub async fn update_settings(
    conn: &mut Conn,
    user_id: UserId,
    row: &SettingsRow,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "update user_settings
         set default_audience = $2, who_can_request = $3, who_can_message = $4,
             who_sees_friends = $5, searchable = $6, show_presence = $7, show_last_active = $8,
             read_receipts = $9, suggestions = $10, email_digest = $11, language = $12,
             time_zone = $13, client = $14::text::jsonb, version = version + 1, updated_at = $15
         where user_id = $1",
        user_id as _,
        row.default_audience.as_str(),
        row.who_can_request.as_str(),
        row.who_can_message.as_str(),
        row.who_sees_friends.as_str(),
        row.searchable,
        row.show_presence,
        row.show_last_active,
        row.read_receipts,
        row.suggestions,
        row.email_digest.as_str(),
        row.language,
        row.time_zone,
        row.client,
        now as _
    )
    .execute(conn)
    .await?;
    Ok(())
}
