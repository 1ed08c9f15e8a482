//! What a person wants to know.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::live::Telling;
use super::super::model::{Channel, Kind, Preference};
use super::super::store;
use crate::kernel::{Result, UserId};
use crate::platform::Tx;

/// What a person chooses.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NotificationPreferenceChange)]
pub struct PreferenceChange {
    /// By kind and channel, whether it is wanted. What is left out stays as it is.
    #[schema(value_type = HashMap<Kind, HashMap<Channel, bool>>,
        example = json!({"reaction": {"push": false}}))]
    pub preferences: BTreeMap<Kind, BTreeMap<Channel, bool>>,
}

/// Notes what a person chose.
pub async fn set_preferences(
    tx: &mut Tx,
    user_id: UserId,
    change: &PreferenceChange,
) -> Result<()> {
    let rows = change.preferences.iter();
    let choices: Vec<Preference> = rows
        .flat_map(|(kind, channels)| {
            channels.iter().map(|(channel, is_on)| Preference {
                kind: *kind,
                channel: *channel,
                is_on: *is_on,
            })
        })
        .collect();
    store::upsert_preferences(tx.conn(), user_id, &choices).await?;
    let mut telling = Telling::default();
    telling.counts(user_id);
    telling.tell(tx);
    Ok(())
}
