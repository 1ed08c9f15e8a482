//! Changes of what lies between people: guard, lock the pair, change, counters last.

mod blocks;
mod circles;
mod follows;
mod friends;
mod parting;
mod requests;

pub use blocks::{Mute, block, mute, unblock, unmute};
pub use circles::{
    CircleChange, CircleNamed, add_member, create_circle, delete_circle, remove_member,
    rename_circle,
};
pub use follows::{follow, unfollow};
pub use friends::{dismiss_suggestion, unfriend};
pub use parting::part_from_all;
pub use requests::{
    NewRequest, Sent, accept_request, cancel_request, decline_request, mark_requests_seen,
    send_request,
};

use super::events::RelationshipChanged;
use super::model::{Standing, can_see_person};
use super::{store, view};
use crate::domains::users::{self, Tally};
use crate::kernel::{Code, Error, Result, UserId};
use crate::platform::Tx;

/// Refuses what only makes sense towards others.
fn guard_other(me: UserId, user_id: UserId) -> Result<()> {
    if me == user_id {
        let detail = "This is your own id. Name somebody else.";
        return Err(Error::new(Code::CannotTargetSelf, detail));
    }
    Ok(())
}

/// Refuses oneself and people whom `me` may not see.
async fn guard_visible_other(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<()> {
    guard_other(me, user_id)?;
    if store::is_visible(tx.conn(), Some(me), user_id).await? {
        return Ok(());
    }
    Err(Error::not_found())
}

/// Locks the pair and gives what lies between the two from then on, whoever may see whom. Nobody
/// there is 404 before the lock, because the lock itself names the account.
async fn lock_standing(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<Standing> {
    if users::find_account(tx.conn(), user_id).await?.is_none() {
        return Err(Error::not_found());
    }
    store::lock_pair(tx.conn(), me, user_id).await?;
    view::standing(&mut tx.reads(), me, user_id).await
}

/// The same, but somebody whom `me` may not see is 404.
async fn lock_visible(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<Standing> {
    let standing = lock_standing(tx, me, user_id).await?;
    if can_see_person(standing.sight()) {
        return Ok(standing);
    }
    Err(Error::not_found())
}

/// Tells that something between two people has changed, which both may know of.
fn tell_both(tx: &mut Tx, user_id: UserId, other_id: UserId) -> Result<()> {
    tx.emit(&RelationshipChanged {
        user_id,
        other_id,
        is_private: false,
    })
}

/// One more or one less friend for each of two people.
fn friends_by(change: i32, one: UserId, other: UserId) -> [(UserId, Tally); 2] {
    let tally = Tally {
        friends: change,
        ..Tally::default()
    };
    [(one, tally), (other, tally)]
}

/// One more or one less follow, of `target_id` by `user_id`.
fn follows_by(change: i32, user_id: UserId, target_id: UserId) -> [(UserId, Tally); 2] {
    let active = Tally {
        following: change,
        ..Tally::default()
    };
    let passive = Tally {
        followers: change,
        ..Tally::default()
    };
    [(user_id, active), (target_id, passive)]
}
