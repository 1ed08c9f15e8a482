//! What a person says of themselves, and what they are called.

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::live;
use super::super::model::{Bio, DisplayName, Location, Username, Website};
use super::super::store::{self, AccountUpdate};
use crate::kernel::{Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, Patch, not_null};

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

/// Refuses a name that is kept for another. Asked once the name is one's own: whoever is giving it up at this
/// moment has done so by then, or still has it.
pub(super) async fn refuse_held(tx: &mut Tx, name: &str, user_id: UserId) -> Result<()> {
    if store::is_held_for_another(tx.conn(), name, user_id).await? {
        return Err(store::username_taken());
    }
    Ok(())
}
