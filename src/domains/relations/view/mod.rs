//! What leaves relations: people with what lies between them and the viewer.

mod circles;
mod listed;
mod lists;
mod presence;
mod relationship;
mod requests;
mod sight;
mod user;

pub use circles::{Circle, CircleWithMembers, circle, circle_members, circles};
pub use listed::{ListedPerson, PersonExpansion, listed};
pub use lists::{
    MutedPerson, Suggestion, blocked, followers, following, friends, muted, mutual_friends,
    suggestions,
};
pub use presence::{Presences, presences, watched};
pub use relationship::{Relationship, relationship, relationships, standing};
pub use requests::{
    FriendRequest, RequestCounts, count_requests, own_request, request, requests, requests_by_id,
};
pub use sight::{visible_among, visible_person};
pub use user::{User, guard_friends_shown, guard_mutual_friends_shown, user, users};
