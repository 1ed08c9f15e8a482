//! Who is who to whom: friends, requests, follows, blocks, mutes, circles, and who sees whom.
//!
//! Owns the tables `pair`, `friendship`, `friend_request`, `follow`, `block`, `mute`, `circle`,
//! `circle_member` and `suggestion_dismissal`. Invariants: whatever changes friendship, requests,
//! follows or blocks between two people holds their row in `pair`, so that two changes never
//! interleave; a friendship has both its rows or none; a block leaves no friendship, follow,
//! request or circle membership between the two; a circle holds friends of its owner only.
//!
//! "May A see B" is written once in SQL, as `visible_account`, and once here, as
//! [`can_see_person`].

mod actions;
mod cache;
mod events;
mod jobs;
mod live;
mod model;
mod routes;
mod store;
mod view;

pub use actions::mark_requests_seen;
pub use cache::{CIRCLE_MEMBERS, SPACES, TIES, ties_of, ties_of_many};
pub use events::{
    FriendAccepted, FriendRequestClosed, FriendRequested, RelationshipChanged, RequestRef, events,
};
pub use jobs::jobs;
pub use live::LIVE;
pub use model::{CircleName, Friendship, SearchText, Sight, Ties, can_see_person};
pub use routes::{LIMITS, configure};
pub use view::{
    FriendRequest, ListedPerson, PersonExpansion, Relationship, RequestCounts, User,
    count_requests, listed, requests_by_id, visible_among, visible_person,
};
