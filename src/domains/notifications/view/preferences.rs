//! What a person wants to know, and on which way.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domains::notifications::cache::NOTIFICATION_MARKS;
use crate::domains::notifications::model::{Channel, Kind};
use crate::kernel::{Result, UserId};
use crate::platform::Reads;

/// Which kinds of notification go which way.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NotificationPreferences)]
pub struct PreferenceTable {
    /// By kind and channel, whether it is wanted.
    #[schema(value_type = HashMap<Kind, HashMap<Channel, bool>>,
        example = json!({"comment": {"in_app": true, "email": false, "push": true}}))]
    pub preferences: BTreeMap<Kind, BTreeMap<Channel, bool>>,
}

/// The whole table of a person.
pub async fn preferences(reads: &mut Reads<'_>, user_id: UserId) -> Result<PreferenceTable> {
    let marks = reads.load(&NOTIFICATION_MARKS, &user_id).await?;
    Ok(PreferenceTable {
        preferences: marks.preferences.table(),
    })
}
