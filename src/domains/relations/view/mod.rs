//! What leaves relations: people with what lies between them and the viewer.

mod circles;
mod lists;
mod presence;
mod relationship;
mod requests;
mod sight;
mod user;

pub use circles::{Circle, CircleWithMembers, circle, circles};
pub use lists::{
    MutedPerson, Suggestion, blocked, followers, following, friends, list_whole, muted,
    mutual_friends, people_in_order, people_page, suggestions,
};
pub use presence::{FriendPresence, presences, watched};
pub use relationship::{Relationship, relationship, relationships, standing};
pub use requests::{
    FriendRequest, RequestCounts, count_requests, request, requests, requests_by_id,
};
pub use sight::{visible_among, visible_person};
pub use user::{User, guard_friends_shown, user, users};
