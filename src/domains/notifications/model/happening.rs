//! What happened, and whom it concerns. What has just happened and what is loaded ready-made are judged alike.

use uuid::Uuid;

use super::Subject;
use crate::kernel::{CommentId, PostId, Timestamp, UserId};

/// Something that a person should know of.
#[derive(Debug, Clone, Copy)]
pub struct Happening {
    /// Who should know.
    pub user_id: UserId,
    /// What it is about.
    pub subject: Subject,
    /// Who did it.
    pub actor_id: UserId,
    /// The comment, the share, the request or what was reacted to.
    pub source_id: Uuid,
    /// When.
    pub at: Timestamp,
}

/// Something that somebody did.
#[derive(Debug, Clone, Copy)]
pub struct Deed {
    /// Who.
    pub actor_id: UserId,
    /// What it can be taken back by.
    pub source_id: Uuid,
    /// When.
    pub at: Timestamp,
}

impl Deed {
    /// What it is to each of these people.
    pub fn to(&self, heard: impl IntoIterator<Item = (UserId, Subject)>) -> Vec<Happening> {
        let happenings = heard.into_iter().map(|(user_id, subject)| Happening {
            user_id,
            subject,
            actor_id: self.actor_id,
            source_id: self.source_id,
            at: self.at,
        });
        happenings.collect()
    }
}

/// Whom a comment concerns, each once: whom it calls hears of that, else whom it answers, else whose post
/// it is on.
pub fn concerned_by_comment(
    (post_id, comment_id): (PostId, CommentId),
    called: &[UserId],
    answered: Option<(UserId, CommentId)>,
    post_author_id: UserId,
) -> Vec<(UserId, Subject)> {
    let mention = Subject::CommentMention(post_id, comment_id);
    let mut heard: Vec<(UserId, Subject)> = called.iter().map(|id| (*id, mention)).collect();
    let answered = answered.map(|(user_id, id)| (user_id, Subject::Replies(post_id, id)));
    let owner = (post_author_id, Subject::Comments(post_id));
    for (user_id, subject) in answered.into_iter().chain([owner]) {
        if heard.iter().all(|(known, _)| *known != user_id) {
            heard.push((user_id, subject));
        }
    }
    heard
}

/// Whom a post concerns, each once: whom it calls hears of that, else whose post it shares.
pub fn concerned_by_post(
    post_id: PostId,
    called: &[UserId],
    shared: Option<(UserId, PostId)>,
) -> Vec<(UserId, Subject)> {
    let shared = shared.filter(|(user_id, _)| !called.contains(user_id));
    let shared = shared.map(|(user_id, id)| (user_id, Subject::Shares(id)));
    let mention = Subject::PostMention(post_id);
    let called = called.iter().map(|user_id| (*user_id, mention));
    called.chain(shared).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::ids::Id;

    fn id<T: Id>(number: u128) -> T {
        T::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn a_comment_is_one_thing_to_each_whom_it_concerns() {
        let (alice, bob): (UserId, UserId) = (id(1), id(2));
        let (post, comment, answered): (PostId, CommentId, CommentId) = (id(3), id(4), id(5));
        let on = (post, comment);
        let mention = Subject::CommentMention(post, comment);
        let reply = Subject::Replies(post, answered);
        let comments = Subject::Comments(post);
        assert_eq!(concerned_by_comment(on, &[], None, bob), [(bob, comments)]);
        assert_eq!(
            concerned_by_comment(on, &[], Some((alice, answered)), bob),
            [(alice, reply), (bob, comments)]
        );
        assert_eq!(
            concerned_by_comment(on, &[bob], Some((bob, answered)), bob),
            [(bob, mention)]
        );
    }

    #[test]
    fn whose_post_is_shared_hears_once() {
        let (alice, bob): (UserId, UserId) = (id(1), id(2));
        let (post, shared): (PostId, PostId) = (id(3), id(4));
        let mention = Subject::PostMention(post);
        assert_eq!(
            concerned_by_post(post, &[alice], Some((bob, shared))),
            [(alice, mention), (bob, Subject::Shares(shared))]
        );
        assert_eq!(
            concerned_by_post(post, &[bob], Some((bob, shared))),
            [(bob, mention)]
        );
    }
}
