//! What people change about themselves, and how something is done to somebody whom a path names.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::cache::SETTINGS;
use super::live;
use super::model::{
    Bio, Digest, DisplayName, FriendListAudience, Language, Location, MAX_CLIENT_BYTES,
    MessagePolicy, NewAccount, RequestPolicy, SimpleAudience, TimeZone, Username, Website,
};
use super::store::{self, AccountUpdate};
use super::view;
use crate::kernel::{Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, Patch, UserRef, not_null};

/// Adds an account with default settings. A name that somebody else gave up lately is taken.
pub async fn create_account(tx: &mut Tx, account: &NewAccount) -> Result<()> {
    let now = tx.now();
    store::insert_account(tx.conn(), account, now).await?;
    refuse_held(tx, account.username.as_str(), account.user_id).await
}

/// Refuses a name that is kept for another. Asked once the name is one's own: whoever is giving it up at this
/// moment has done so by then, or still has it.
async fn refuse_held(tx: &mut Tx, name: &str, user_id: UserId) -> Result<()> {
    if store::is_held_for_another(tx.conn(), name, user_id).await? {
        return Err(store::username_taken());
    }
    Ok(())
}

/// Marks an account as deleted; nobody sees the person from then on.
pub async fn mark_deleted(tx: &mut Tx, user_id: UserId) -> Result<()> {
    let now = tx.now();
    store::mark_deleted(tx.conn(), user_id, now).await
}

/// Does something to the person that a path names. Named by a username that they gave up, they are `moved`, which
/// undoes what was done: only after it is known that the caller may learn what they are called today.
pub async fn act_on<T>(
    tx: &mut Tx,
    user: &UserRef,
    act: impl AsyncFnOnce(&mut Tx, UserId) -> Result<T>,
) -> Result<T> {
    let user_id = view::resolve(&mut tx.reads(), user).await?;
    let done = act(tx, user_id).await?;
    view::require_current_name(&mut tx.reads(), user).await?;
    Ok(done)
}

/// What a person may change about their profile. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    #[schema(value_type = Username, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    username: Option<Username>,
    #[schema(value_type = DisplayName, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    display_name: Option<DisplayName>,
    #[serde(default)]
    bio: Patch<Bio>,
    #[serde(default)]
    location: Patch<Location>,
    #[serde(default)]
    website: Patch<Website>,
}

impl ProfileChange {
    /// Whether it gives another username to somebody who has this one.
    pub fn renames(&self, username: &str) -> bool {
        let wanted = self.username.as_ref();
        wanted.is_some_and(|wanted| wanted.as_str() != username)
    }
}

/// Changes a profile. `if_match` guards against an edit that the client has not seen.
pub async fn update_profile(
    tx: &mut Tx,
    user_id: UserId,
    change: &ProfileChange,
    if_match: IfMatch,
) -> Result<()> {
    let now = tx.now();
    let old = store::lock_account(tx.conn(), user_id).await?;
    if_match.check(old.version)?;
    let username = change
        .username
        .as_ref()
        .map_or(old.username.as_str(), Username::as_str);
    if username != old.username {
        store::insert_former_username(tx.conn(), &old.username, user_id, now).await?;
    }
    let update = AccountUpdate {
        username,
        display_name: change
            .display_name
            .as_ref()
            .map_or(&old.display_name, DisplayName::as_str),
        bio: change
            .bio
            .as_ref()
            .map(Bio::as_str)
            .set_or(Some(&old.bio))
            .unwrap_or_default(),
        location: change
            .location
            .as_ref()
            .map(Location::as_str)
            .set_or(Some(&old.location))
            .unwrap_or_default(),
        website: change
            .website
            .as_ref()
            .map(Website::as_str)
            .set_or(old.website.as_deref()),
    };
    store::update_account(tx.conn(), user_id, &update, now).await?;
    if username != old.username {
        refuse_held(tx, username, user_id).await?;
    }
    live::tell_changed(tx, user_id, Some(user_id));
    Ok(())
}

/// What a person may change about their settings. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    #[schema(value_type = SimpleAudience, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    default_audience: Option<SimpleAudience>,
    #[schema(value_type = RequestPolicy, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    who_can_request: Option<RequestPolicy>,
    #[schema(value_type = MessagePolicy, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    who_can_message: Option<MessagePolicy>,
    #[schema(value_type = FriendListAudience, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    who_sees_friends: Option<FriendListAudience>,
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    searchable: Option<bool>,
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    show_presence: Option<bool>,
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    show_last_active: Option<bool>,
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    read_receipts: Option<bool>,
    #[schema(value_type = bool, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    suggestions: Option<bool>,
    #[schema(value_type = Digest, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    email_digest: Option<Digest>,
    #[schema(value_type = Language, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    language: Option<Language>,
    #[schema(value_type = TimeZone, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    time_zone: Option<TimeZone>,
    /// The frontend's own settings: an object, merged as JSON Merge Patch does, to 16 KiB.
    #[schema(value_type = HashMap<String, Value>, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    client: Option<Value>,
}

/// Changes settings. `if_match` guards against an edit that the client has not seen.
pub async fn update_settings(
    tx: &mut Tx,
    user_id: UserId,
    change: &SettingsChange,
    if_match: IfMatch,
) -> Result<()> {
    store::lock_settings(tx.conn(), user_id).await?;
    let mut row = store::load_settings(tx.conn(), user_id).await?;
    if_match.check(row.version)?;
    apply(change, &mut row)?;
    let now = tx.now();
    store::update_settings(tx.conn(), user_id, &row, now).await?;
    tx.keep_warm(&SETTINGS, user_id);
    live::tell_changed(tx, user_id, Some(user_id));
    Ok(())
}

fn apply(change: &SettingsChange, row: &mut store::SettingsRow) -> Result<()> {
    row.default_audience = change.default_audience.unwrap_or(row.default_audience);
    row.who_can_request = change.who_can_request.unwrap_or(row.who_can_request);
    row.who_can_message = change.who_can_message.unwrap_or(row.who_can_message);
    row.who_sees_friends = change.who_sees_friends.unwrap_or(row.who_sees_friends);
    row.email_digest = change.email_digest.unwrap_or(row.email_digest);
    row.searchable = change.searchable.unwrap_or(row.searchable);
    row.show_presence = change.show_presence.unwrap_or(row.show_presence);
    row.show_last_active = change.show_last_active.unwrap_or(row.show_last_active);
    row.read_receipts = change.read_receipts.unwrap_or(row.read_receipts);
    row.suggestions = change.suggestions.unwrap_or(row.suggestions);
    if let Some(language) = &change.language {
        language.as_str().clone_into(&mut row.language);
    }
    if let Some(time_zone) = &change.time_zone {
        time_zone.as_str().clone_into(&mut row.time_zone);
    }
    if let Some(patch) = &change.client {
        let mut client = row.client()?;
        merge(&mut client, patch);
        row.client = check_client(&client)?;
    }
    Ok(())
}

/// JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(members) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in members {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

/// The text to keep.
fn check_client(client: &Value) -> Result<String> {
    if !client.is_object() {
        return Err(Error::invalid_field(
            "/client",
            "wrong_type",
            "This must be a JSON object.",
        ));
    }
    let bytes = stored_bytes(client);
    if bytes > MAX_CLIENT_BYTES {
        return Err(Error::invalid_field(
            "/client",
            "too_long",
            format!(
                "At most {MAX_CLIENT_BYTES} bytes are kept; with what is there already this would be \
                 {bytes}. Remove members by null, or write less."
            ),
        ));
    }
    Ok(client.to_string())
}

/// How long a value is as Postgres keeps it: a blank after every comma and colon, and every digit of a
/// number.
fn stored_bytes(value: &Value) -> usize {
    let list = |parts: &mut dyn Iterator<Item = usize>| {
        let (bytes, count) = parts.fold((0, 0), |(bytes, count), part| (bytes + part, count + 1));
        2 + bytes + 2 * usize::saturating_sub(count, 1)
    };
    match value {
        Value::Array(items) => list(&mut items.iter().map(stored_bytes)),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                Value::from(name.as_str()).to_string().len() + 2 + stored_bytes(value)
            };
            list(&mut members.iter().map(member))
        }
        Value::Number(number) if number.is_f64() => {
            let digits = number.as_f64().unwrap_or_default().to_string();
            digits.len().max(number.to_string().len())
        }
        other => other.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::{merge, stored_bytes};
    use serde_json::{Value, json};

    #[test]
    fn a_merge_patch_keeps_what_is_absent_and_removes_what_is_null() {
        let mut target = json!({"a": 1, "b": {"c": 2, "d": 3}});
        merge(&mut target, &json!({"b": {"c": null, "e": 4}}));
        assert_eq!(target, json!({"a": 1, "b": {"d": 3, "e": 4}}));
    }

    #[test]
    fn what_is_kept_is_measured_as_it_is_kept() {
        for (value, kept) in [
            (json!({}), "{}".len()),
            (json!([]), "[]".len()),
            (
                json!({"a": [1, true, null], "b\"": "ž\n"}),
                r#"{"a": [1, true, null], "b\"": "ž\n"}"#.len(),
            ),
            (json!([0.5, 1e300]), "[0.5, ".len() + 301 + "]".len()),
        ] {
            assert_eq!(stored_bytes(&value), kept, "{value}");
        }
        assert_eq!(stored_bytes(&Value::from(1e-300)), 302);
    }
}
