//! Requests for friendship and their answers.

use serde::Deserialize;
use utoipa::ToSchema;

use super::super::events::{FriendAccepted, FriendRequestClosed, FriendRequested, RequestRef};
use super::super::model::{Friendship, RequestState};
use super::super::store::{self, RequestRow};
use super::{friends_by, lock_visible, tell_both};
use crate::domains::users;
use crate::kernel::{Code, Error, FriendRequestId, Result, Timestamp, UserId};
use crate::platform::Tx;

/// Whom to ask for friendship.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFriendRequest)]
pub struct NewRequest {
    /// The person.
    pub user_id: UserId,
}

/// What asking came to.
#[derive(Debug, Clone, Copy)]
pub enum Sent {
    /// A new request.
    Asked(FriendRequestId),
    /// They had asked already, and that request is accepted now.
    Accepted(FriendRequestId),
}

/// Asks for friendship. Asking somebody who has asked accepts theirs.
pub async fn send_request(tx: &mut Tx, me: UserId, user_id: UserId) -> Result<Sent> {
    if me == user_id {
        let detail = "This is your own id. Name somebody else.";
        return Err(Error::new(Code::CannotFriendSelf, detail));
    }
    let standing = lock_visible(tx, me, user_id).await?;
    match (standing.friendship(), standing.between.friend_request_id) {
        (Friendship::Friends, _) => {
            let detail = "The two of you are friends: there is nothing to ask.";
            Err(Error::new(Code::AlreadyFriends, detail))
        }
        (Friendship::Outgoing, _) => Err(Code::RequestPending.into()),
        (Friendship::Incoming, Some(request_id)) => {
            make_friends(tx, request_id, me, user_id).await?;
            Ok(Sent::Accepted(request_id))
        }
        _ if !standing.is_open_to_requests() => Err(Error::new(
            Code::Forbidden,
            "This person does not take your requests for friendship.",
        )),
        _ => {
            let (request_id, now) = (tx.new_id(), tx.now());
            store::insert_request(tx.conn(), request_id, me, user_id, now).await?;
            tx.emit(&FriendRequested(RequestRef {
                friend_request_id: request_id,
                sender_id: me,
                recipient_id: user_id,
            }))?;
            tell_both(tx, me, user_id)?;
            Ok(Sent::Asked(request_id))
        }
    }
}

/// Accepts a request that `me` was sent; again, it changes nothing.
pub async fn accept_request(tx: &mut Tx, me: UserId, request_id: FriendRequestId) -> Result<()> {
    let request = lock_request(tx, me, request_id).await?;
    guard_party(me == request.recipient_id)?;
    match request.state {
        RequestState::Accepted => Ok(()),
        RequestState::Pending => make_friends(tx, request_id, me, request.sender_id).await,
        RequestState::Declined | RequestState::Cancelled => Err(Code::RequestClosed.into()),
    }
}

/// Declines a request that `me` was sent; again, it changes nothing.
pub async fn decline_request(tx: &mut Tx, me: UserId, request_id: FriendRequestId) -> Result<()> {
    let request = lock_request(tx, me, request_id).await?;
    guard_party(me == request.recipient_id)?;
    close(tx, me, &request, RequestState::Declined).await
}

/// Takes back a request that `me` sent; again, it changes nothing.
pub async fn cancel_request(tx: &mut Tx, me: UserId, request_id: FriendRequestId) -> Result<()> {
    let request = lock_request(tx, me, request_id).await?;
    guard_party(me == request.sender_id)?;
    close(tx, me, &request, RequestState::Cancelled).await
}

async fn close(tx: &mut Tx, me: UserId, request: &RequestRow, state: RequestState) -> Result<()> {
    if request.state == state {
        return Ok(());
    }
    if request.state != RequestState::Pending {
        return Err(Code::RequestClosed.into());
    }
    let now = tx.now();
    let friend_request_id = request.friend_request_id;
    store::close_request(tx.conn(), friend_request_id, state, now).await?;
    tx.emit(&FriendRequestClosed { friend_request_id })?;
    tell_both(tx, me, request.other(me))
}

/// A request between `me` and somebody whom they may see, read after their pair is locked, so that
/// its state stays until the commit.
async fn lock_request(tx: &mut Tx, me: UserId, request_id: FriendRequestId) -> Result<RequestRow> {
    let found = store::find_request(tx.conn(), request_id).await?;
    let request = found.filter(|row| row.sender_id == me || row.recipient_id == me);
    let request = request.ok_or_else(Error::not_found)?;
    lock_visible(tx, me, request.other(me)).await?;
    let fresh = store::find_request(tx.conn(), request_id).await?;
    fresh.ok_or_else(Error::not_found)
}

fn guard_party(is_theirs: bool) -> Result<()> {
    if is_theirs {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        "Only the other side of this request may do that.",
    ))
}

async fn make_friends(
    tx: &mut Tx,
    request_id: FriendRequestId,
    me: UserId,
    user_id: UserId,
) -> Result<()> {
    let now = tx.now();
    store::close_request(tx.conn(), request_id, RequestState::Accepted, now).await?;
    store::insert_friendship(tx.conn(), me, user_id, now).await?;
    tx.emit(&FriendAccepted(RequestRef {
        friend_request_id: request_id,
        sender_id: user_id,
        recipient_id: me,
    }))?;
    tell_both(tx, me, user_id)?;
    users::bump(tx.conn(), &friends_by(1, me, user_id)).await
}

/// Cancels the request that is open between two people, if one is. The caller holds the pair.
pub(super) async fn cancel_open(tx: &mut Tx, open: Option<FriendRequestId>) -> Result<()> {
    let Some(request_id) = open else {
        return Ok(());
    };
    let now = tx.now();
    store::close_request(tx.conn(), request_id, RequestState::Cancelled, now).await?;
    let closed = FriendRequestClosed {
        friend_request_id: request_id,
    };
    tx.emit(&closed)
}

/// Notes that `me` has looked at the requests that had come by then; says whether any was new.
pub async fn mark_requests_seen(tx: &mut Tx, me: UserId, up_to: Timestamp) -> Result<bool> {
    let now = tx.now();
    store::mark_requests_seen(tx.conn(), me, up_to, now).await
}
