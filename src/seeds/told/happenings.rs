//! What happened in a data set to whom, as the handlers of notifications find it: each looks up what is
//! true by now, so this is what they would have noted by the present. Whom a text concerns is judged by
//! their rules.

use std::collections::HashMap;

use crate::domains::messaging::MemberState;
use crate::domains::notifications::{
    Deed, Happening, Kind, Subject, concerned_by_comment, concerned_by_post,
};
use crate::domains::posts;
use crate::domains::reactions::TargetKind;
use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, PostId, UserId};
use crate::seeds::dataset::{Comment, Conversation, Dataset, Post};

/// Somebody who sees a post and has this name.
pub type Called = HashMap<(PostId, String), UserId>;

/// The names that posts and comments call, each with the post that one must see to hear of it.
pub fn names(data: &Dataset) -> Vec<(PostId, String)> {
    let posts = data.posts.iter().map(|post| (post.id, &post.content));
    let comments = data.comments.iter().map(|one| (one.post, &one.content));
    let texts = posts.chain(comments);
    let names = texts.flat_map(|(post, text)| {
        let names = posts::mentioned_names(text).into_iter();
        names.map(move |name| (post, name))
    });
    names.collect()
}

/// All that happened; nobody hears of what they did themselves.
pub fn all(data: &Dataset, called: &Called) -> Vec<Happening> {
    let mut noted = Notes {
        posts: data.posts.iter().map(|post| (post.id, post)).collect(),
        comments: data.comments.iter().map(|one| (one.id, one)).collect(),
        called,
        found: Vec::new(),
    };
    noted.requests(data);
    data.posts.iter().for_each(|post| noted.post(post));
    data.comments.iter().for_each(|one| noted.comment(one));
    noted.reactions(data);
    data.conversations.iter().for_each(|talk| noted.talk(talk));
    noted.found
}

struct Notes<'a> {
    posts: HashMap<PostId, &'a Post>,
    comments: HashMap<CommentId, &'a Comment>,
    called: &'a Called,
    found: Vec<Happening>,
}

impl Notes<'_> {
    fn note(&mut self, deed: Deed, heard: impl IntoIterator<Item = (UserId, Subject)>) {
        let happenings = deed.to(heard).into_iter();
        let others = happenings.filter(|one| one.user_id != one.actor_id);
        self.found.extend(others);
    }

    fn requests(&mut self, data: &Dataset) {
        for (id, link) in &data.requests {
            let deed = Deed {
                actor_id: link.from,
                source_id: id.uuid(),
                at: link.at,
            };
            self.note(
                deed,
                [(link.to, Subject::Request(Kind::FriendRequest, *id))],
            );
        }
        for (id, link, decided_at) in &data.accepted {
            let deed = Deed {
                actor_id: link.to,
                source_id: id.uuid(),
                at: *decided_at,
            };
            self.note(
                deed,
                [(link.from, Subject::Request(Kind::FriendAccepted, *id))],
            );
        }
    }

    /// Whom a text calls, of those who see the post that it is, or is on.
    fn called(&self, text: &str, post: PostId) -> Vec<UserId> {
        let names = posts::mentioned_names(text).into_iter();
        names
            .filter_map(|name| self.called.get(&(post, name)).copied())
            .collect()
    }

    fn post(&mut self, post: &Post) {
        if post.deleted_at.is_some() {
            return;
        }
        let called = self.called(&post.content, post.id);
        let original = post.shared.and_then(|id| self.posts.get(&id));
        let shared = original.map(|original| (original.author, original.id));
        let deed = Deed {
            actor_id: post.author,
            source_id: post.id.uuid(),
            at: post.created_at,
        };
        self.note(deed, concerned_by_post(post.id, &called, shared));
    }

    fn comment(&mut self, comment: &Comment) {
        let (id, on) = (comment.id, comment.post);
        let post = self.posts.get(&on).copied();
        let Some(post) = post.filter(|post| post.deleted_at.is_none()) else {
            return;
        };
        if comment.deleted_at.is_some() {
            return;
        }
        let called = self.called(&comment.content, on);
        let answered = comment.parent.and_then(|parent| self.comments.get(&parent));
        let answered = answered.filter(|parent| parent.deleted_at.is_none());
        let answered = answered.map(|parent| (parent.author, parent.id));
        let deed = Deed {
            actor_id: comment.author,
            source_id: id.uuid(),
            at: comment.created_at,
        };
        let heard = concerned_by_comment((on, id), &called, answered, post.author);
        self.note(deed, heard);
    }

    /// Reactions to messages are no news.
    fn reactions(&mut self, data: &Dataset) {
        for reaction in &data.reactions {
            let id = reaction.target.id;
            let heard = match reaction.target.kind {
                TargetKind::Post => {
                    let post = self.posts.get(&PostId::from_uuid(id));
                    let post = post.filter(|post| post.deleted_at.is_none());
                    post.map(|post| (post.author, Subject::PostReactions(post.id)))
                }
                TargetKind::Comment => {
                    let one = self.comments.get(&CommentId::from_uuid(id));
                    let one = one.filter(|one| one.deleted_at.is_none());
                    one.map(|one| {
                        let subject = Subject::CommentReactions(one.post, one.id);
                        (one.author, subject)
                    })
                }
                TargetKind::Message => None,
            };
            let deed = Deed {
                actor_id: reaction.user,
                source_id: id,
                at: reaction.at,
            };
            self.note(deed, heard);
        }
    }

    /// A stranger has written, or somebody is taken into a group.
    fn talk(&mut self, talk: &Conversation) {
        for seat in &talk.seats {
            let is_there = matches!(seat.state, MemberState::Active | MemberState::Request);
            let Some(by) = seat.invited_by.filter(|_| is_there) else {
                continue;
            };
            let (kind, at) = if talk.title.is_some() {
                (Kind::GroupInvitation, seat.joined_at)
            } else {
                let first = talk.messages.first().map(|first| first.created_at);
                (Kind::MessageRequest, first.unwrap_or(seat.joined_at))
            };
            let deed = Deed {
                actor_id: by,
                source_id: talk.id.uuid(),
                at,
            };
            self.note(deed, [(seat.user, Subject::Conversation(kind, talk.id))]);
        }
    }
}
