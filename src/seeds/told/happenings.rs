//! What happened in a data set to whom, as the handlers of notifications find it: each looks up what is
//! true by now, so this is what they would have noted by the present.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::messaging::MemberState;
use crate::domains::notifications::{Kind, Subject};
use crate::domains::posts;
use crate::domains::reactions::TargetKind;
use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, PostId, Timestamp, UserId};
use crate::seeds::dataset::{Comment, Conversation, Dataset, Post};

/// Somebody who sees a post and has this name.
pub type Called = HashMap<(PostId, String), UserId>;

/// Something that a person should know of.
#[derive(Debug, Clone, Copy)]
pub struct Happening {
    /// Who should know.
    pub user: UserId,
    /// What it is about.
    pub subject: Subject,
    /// Who did it.
    pub actor: UserId,
    /// The comment, the share, the request or what was reacted to.
    pub source: Uuid,
    /// When.
    pub at: Timestamp,
}

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
    fn note(&mut self, (user, subject): (UserId, Subject), deed: (UserId, Uuid, Timestamp)) {
        let (actor, source, at) = deed;
        if user != actor {
            self.found.push(Happening {
                user,
                subject,
                actor,
                source,
                at,
            });
        }
    }

    fn requests(&mut self, data: &Dataset) {
        for (id, link) in &data.requests {
            let heard = (link.to, Subject::Request(Kind::FriendRequest, *id));
            self.note(heard, (link.from, id.uuid(), link.at));
        }
        for (id, link, decided_at) in &data.accepted {
            let heard = (link.from, Subject::Request(Kind::FriendAccepted, *id));
            self.note(heard, (link.to, id.uuid(), *decided_at));
        }
    }

    /// Whom a text calls, of those who see the post that it is, or is on.
    fn called(&self, text: &str, post: PostId) -> Vec<UserId> {
        let names = posts::mentioned_names(text).into_iter();
        names
            .filter_map(|name| self.called.get(&(post, name)).copied())
            .collect()
    }

    /// Whom a new post calls hears of it, and else whose post it shares.
    fn post(&mut self, post: &Post) {
        if post.deleted_at.is_some() {
            return;
        }
        let called = self.called(&post.content, post.id);
        let deed = (post.author, post.id.uuid(), post.created_at);
        for user in &called {
            self.note((*user, Subject::PostMention(post.id)), deed);
        }
        let original = post.shared.and_then(|id| self.posts.get(&id));
        if let Some(original) = original.filter(|original| !called.contains(&original.author)) {
            let heard = (original.author, Subject::Shares(original.id));
            self.note(heard, deed);
        }
    }

    /// Whom a comment calls hears of that, else whom it answers, else whose post it is on.
    fn comment(&mut self, comment: &Comment) {
        let (id, on) = (comment.id, comment.post);
        let post = self.posts.get(&on).copied();
        let Some(post) = post.filter(|post| post.deleted_at.is_none()) else {
            return;
        };
        if comment.deleted_at.is_some() {
            return;
        }
        let called = self.called(&comment.content, on).into_iter();
        let mention = Subject::CommentMention(on, id);
        let mut heard: Vec<(UserId, Subject)> = called.map(|user| (user, mention)).collect();
        let answered = comment.parent.and_then(|parent| self.comments.get(&parent));
        let answered = answered.filter(|parent| parent.deleted_at.is_none());
        let answered = answered.map(|parent| (parent.author, Subject::Replies(on, parent.id)));
        let owner = (post.author, Subject::Comments(on));
        for (user, subject) in answered.into_iter().chain([owner]) {
            if heard.iter().all(|(known, _)| *known != user) {
                heard.push((user, subject));
            }
        }
        for one in heard {
            self.note(one, (comment.author, id.uuid(), comment.created_at));
        }
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
            if let Some(heard) = heard {
                self.note(heard, (reaction.user, id, reaction.at));
            }
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
            let heard = (seat.user, Subject::Conversation(kind, talk.id));
            self.note(heard, (by, talk.id.uuid(), at));
        }
    }
}
