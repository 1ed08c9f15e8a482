//! Settings of a person.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::cache::SETTINGS;
use super::super::model::{
    Digest, FriendListAudience, Language, MAX_CLIENT_BYTES, MessagePolicy, RequestPolicy,
    SimpleAudience, TimeZone,
};
use super::super::{live, store};
use crate::kernel::{Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, not_null};

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
