//! Circles: private lists of friends.

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::model::{CircleName, MAX_CIRCLES};
use super::super::store;
use super::{guard_other, lock_visible};
use crate::domains::users;
use crate::kernel::{CircleId, Code, Error, Result, UserId};
use crate::platform::Tx;
use crate::platform::http::{IfMatch, not_null};

/// What a circle is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CircleNamed {
    /// The name; no two circles of a person have the same.
    pub name: CircleName,
}

/// What changes of a circle. Absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CircleChange {
    /// The name; no two circles of a person have the same.
    #[schema(value_type = CircleName, required = false)]
    #[serde(default, deserialize_with = "not_null")]
    name: Option<CircleName>,
}

/// Makes an empty circle.
pub async fn create_circle(tx: &mut Tx, me: UserId, new: &CircleNamed) -> Result<CircleId> {
    // Nobody makes another meanwhile.
    users::lock_account(tx.conn(), me).await?;
    if store::count_circles(tx.conn(), me).await? >= MAX_CIRCLES {
        let detail = format!("You have {MAX_CIRCLES} circles, and there is room for no more.");
        return Err(Error::new(Code::QuotaExceeded, detail));
    }
    let (circle_id, now) = (tx.new_id(), tx.now());
    store::insert_circle(tx.conn(), circle_id, me, new.name.as_str(), now).await?;
    Ok(circle_id)
}

/// Gives a circle another name. `if_match` guards against an edit that the client has not seen.
pub async fn rename_circle(
    tx: &mut Tx,
    me: UserId,
    circle_id: CircleId,
    change: &CircleChange,
    if_match: IfMatch,
) -> Result<()> {
    let version = store::lock_circle(tx.conn(), me, circle_id).await?;
    if_match.check(version.ok_or_else(Error::not_found)?)?;
    let Some(name) = &change.name else {
        return Ok(());
    };
    let now = tx.now();
    store::rename_circle(tx.conn(), circle_id, name.as_str(), now).await
}

/// Deletes a circle for its owner; posts that name it stay as narrow as they were.
pub async fn delete_circle(tx: &mut Tx, me: UserId, circle_id: CircleId) -> Result<()> {
    let now = tx.now();
    if store::mark_circle_deleted(tx.conn(), me, circle_id, now).await? {
        return Ok(());
    }
    Err(Error::not_found())
}

/// Puts a friend into a circle; again, it changes nothing.
pub async fn add_member(
    tx: &mut Tx,
    me: UserId,
    circle_id: CircleId,
    user_id: UserId,
) -> Result<()> {
    guard_circle(tx, me, circle_id).await?;
    guard_other(me, user_id)?;
    // The pair is locked before the circle, so that a friendship that ends meanwhile takes the
    // membership with it.
    let standing = lock_visible(tx, me, user_id).await?;
    if !standing.between.are_friends {
        return Err(Error::new(
            Code::NotAFriend,
            "A circle holds friends only. Become friends first.",
        ));
    }
    let version = store::lock_circle(tx.conn(), me, circle_id).await?;
    version.ok_or_else(Error::not_found)?;
    let now = tx.now();
    if store::insert_member(tx.conn(), circle_id, user_id, now).await? {
        store::touch_circle(tx.conn(), circle_id, now).await?;
    }
    Ok(())
}

/// Takes somebody out of a circle; again, it changes nothing.
pub async fn remove_member(
    tx: &mut Tx,
    me: UserId,
    circle_id: CircleId,
    user_id: UserId,
) -> Result<()> {
    let version = store::lock_circle(tx.conn(), me, circle_id).await?;
    version.ok_or_else(Error::not_found)?;
    let now = tx.now();
    if store::delete_member(tx.conn(), circle_id, user_id).await? {
        return store::touch_circle(tx.conn(), circle_id, now).await;
    }
    // Of whom one may not see, nobody learns that they are there.
    if store::is_visible(tx.conn(), Some(me), user_id).await? {
        return Ok(());
    }
    Err(Error::not_found())
}

async fn guard_circle(tx: &mut Tx, me: UserId, circle_id: CircleId) -> Result<()> {
    let found = store::list_circles_among(tx.conn(), me, &[circle_id]).await?;
    if found.is_empty() {
        return Err(Error::not_found());
    }
    Ok(())
}
