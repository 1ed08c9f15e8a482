//! The shape of a notification.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::judge::{Judge, Shown};
use crate::domains::notifications::model::{Group, Kind};
use crate::domains::notifications::store;
use crate::domains::users::Person;
use crate::kernel::ids::Id as _;
use crate::kernel::{
    CommentId, ConversationId, FriendRequestId, NotificationId, PostId, Result, Timestamp, UserId,
};
use crate::platform::{Ctx, Reads};
use crate::words;

/// People that are shown of a group.
const ACTORS: usize = 3;
/// Characters of an excerpt.
const EXCERPT: usize = 140;

/// Something that a person should know of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Notification {
    /// Its id.
    pub id: NotificationId,
    /// What it is about.
    pub kind: Kind,
    /// What things of one group have in common; opaque.
    pub group_key: String,
    /// Who did it: up to three people, the last first.
    pub actors: Vec<Person>,
    /// How many people did it.
    pub actor_count: i64,
    /// Where it leads.
    pub target: NotificationTarget,
    /// Whether you have seen it in the list.
    pub seen: bool,
    /// Whether you have read it.
    pub read: bool,
    /// When the first thing happened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the last thing happened.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

words! {
    /// What a notification leads to.
    #[schema(as = NotificationTargetKind)]
    pub enum TargetKind {
        /// A person.
        User = "user",
        /// A post.
        Post = "post",
        /// A comment.
        Comment = "comment",
        /// A conversation.
        Conversation = "conversation",
    }
}

/// Where a notification leads.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NotificationTarget {
    /// What it is.
    pub kind: TargetKind,
    /// Its id.
    pub id: Uuid,
    /// The post, or the one that the comment is on.
    #[schema(required)]
    pub post_id: Option<PostId>,
    /// The comment: the last one, where the notification is about several.
    #[schema(required)]
    pub comment_id: Option<CommentId>,
    /// The conversation.
    #[schema(required)]
    pub conversation_id: Option<ConversationId>,
    /// The request for friendship, which is accepted or declined by this id.
    #[schema(required)]
    pub friend_request_id: Option<FriendRequestId>,
    /// How the text begins that it is about.
    #[schema(required)]
    pub excerpt: Option<String>,
    /// Its address in the frontend.
    pub url: String,
}

/// Makes notifications of what may be shown.
pub struct Dress<'a> {
    web_url: &'a str,
    judge: &'a Judge,
    unheard: HashMap<NotificationId, i64>,
}

impl<'a> Dress<'a> {
    /// Reads what the counts of large groups lack.
    pub async fn load(
        ctx: &'a Ctx,
        reads: &mut Reads<'_>,
        judge: &'a Judge,
        shown: &[Shown<'_>],
    ) -> Result<Self> {
        let large = shown
            .iter()
            .map(|one| one.group)
            .filter(|group| is_large(group));
        let large: Vec<NotificationId> = large.map(|group| group.notification_id).collect();
        let unheard = if large.is_empty() {
            HashMap::new()
        } else {
            let conn = &mut *reads.conn().await?;
            store::count_unheard(conn, &large, &judge.unheard()).await?
        };
        Ok(Self {
            web_url: ctx.web_url(),
            judge,
            unheard,
        })
    }

    /// A notification.
    pub fn on(&self, shown: &Shown<'_>) -> Notification {
        let group = shown.group;
        let actor_count = if is_large(group) {
            let unheard = self.unheard.get(&group.notification_id);
            i64::from(group.actor_count) - unheard.copied().unwrap_or_default()
        } else {
            i64::try_from(shown.items.len()).unwrap_or(i64::MAX)
        };
        let people = shown.items.iter().take(ACTORS);
        Notification {
            id: group.notification_id,
            kind: group.kind,
            group_key: group.group_key.clone(),
            actors: people
                .filter_map(|item| self.person(item.actor_id))
                .collect(),
            actor_count,
            target: self.target(shown),
            seen: shown.seen,
            read: shown.read,
            created_at: group.created_at,
            updated_at: shown.newest.at,
        }
    }

    fn person(&self, user_id: UserId) -> Option<Person> {
        self.judge
            .people
            .get(&user_id)
            .map(|row| Person::from(&**row))
    }

    fn target(&self, shown: &Shown<'_>) -> NotificationTarget {
        let group = shown.group;
        let source = shown.newest.source_id;
        let said = matches!(group.kind, Kind::Comment | Kind::Reply);
        let is_request = matches!(group.kind, Kind::FriendRequest | Kind::FriendAccepted);
        let comment_id = group
            .comment_id
            .or_else(|| said.then(|| CommentId::from_uuid(source)));
        // What is said about a post leads to the post; all else to what it is about itself.
        let about = comment_id.filter(|_| group.kind != Kind::Comment);
        let (kind, id) = match (about, group.post_id, group.conversation_id) {
            (Some(comment_id), ..) => (TargetKind::Comment, comment_id.uuid()),
            (None, Some(post_id), _) => (TargetKind::Post, post_id.uuid()),
            (None, None, Some(id)) => (TargetKind::Conversation, id.uuid()),
            (None, None, None) => (TargetKind::User, shown.newest.actor_id.uuid()),
        };
        NotificationTarget {
            kind,
            id,
            post_id: group.post_id,
            comment_id,
            conversation_id: group.conversation_id,
            friend_request_id: is_request.then(|| FriendRequestId::from_uuid(source)),
            excerpt: self.excerpt(shown, comment_id),
            url: self.url(shown, comment_id),
        }
    }

    fn excerpt(&self, shown: &Shown<'_>, comment_id: Option<CommentId>) -> Option<String> {
        let posts = &self.judge.posts;
        let comment = comment_id.and_then(|id| self.judge.comments.get(&id));
        let own = || shown.group.post_id.and_then(|id| posts.get(&id));
        let share = || {
            let is_share = shown.group.kind == Kind::Share;
            let share = posts.get(&PostId::from_uuid(shown.newest.source_id));
            share.filter(|share| is_share && !share.content.is_empty())
        };
        let text = comment
            .map(|comment| comment.content.as_str())
            .or_else(|| share().or_else(own).map(|post| post.content.as_str()))?;
        Some(excerpt_of(text))
    }

    fn url(&self, shown: &Shown<'_>, comment_id: Option<CommentId>) -> String {
        let (web, group) = (self.web_url, shown.group);
        match (group.post_id, comment_id, group.conversation_id) {
            (Some(post_id), Some(id), _) => format!("{web}/posts/{post_id}#comment-{id}"),
            (Some(post_id), None, _) => format!("{web}/posts/{post_id}"),
            (None, _, Some(id)) => format!("{web}/conversations/{id}"),
            (None, _, None) => format!("{web}/users/{}", shown.newest.actor_id),
        }
    }
}

/// Whether a group has people beyond those whose items it keeps.
fn is_large(group: &Group) -> bool {
    usize::try_from(group.actor_count).is_ok_and(|count| count > group.items.len())
}

fn excerpt_of(text: &str) -> String {
    let mut rest = text.chars();
    let mut excerpt: String = rest.by_ref().take(EXCERPT).collect();
    if rest.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::excerpt_of;

    #[test]
    fn an_excerpt_says_that_it_is_one() {
        assert_eq!(excerpt_of("short"), "short");
        let long = "é".repeat(141);
        assert_eq!(excerpt_of(&long), format!("{}…", "é".repeat(140)));
    }
}
