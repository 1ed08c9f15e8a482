//! Who posts something.

use std::sync::Arc;

use crate::domains::posts::model::AudienceKind;
use crate::domains::users::{AccountRow, SETTINGS, USER};
use crate::kernel::{Result, UserId};
use crate::platform::{Ctx, Reads};

/// What a new post takes from its author. No post changes it, so it is read ahead of the transaction, from
/// the cache.
pub struct Author {
    /// Who it is.
    pub account: Arc<AccountRow>,
    /// Whom they post for, unless they say.
    pub audience: AudienceKind,
}

impl Author {
    /// The author with this id.
    pub async fn load(ctx: &Ctx, user_id: UserId) -> Result<Self> {
        let reads = &mut Reads::cached(ctx);
        Ok(Self {
            account: reads.load(&USER, &user_id).await?,
            audience: reads
                .load(&SETTINGS, &user_id)
                .await?
                .default_audience
                .into(),
        })
    }
}
