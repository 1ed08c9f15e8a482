//! A post as it is kept for everybody, and who may see it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AudienceKind, Facts};
use crate::domains::relations::Ties;
use crate::domains::users::AccountRow;
use crate::kernel::ids::Id as _;
use crate::kernel::kept::Newest;
use crate::kernel::{CircleId, PostId, Timestamp, UserId};
use crate::platform::sessions::Viewer;

/// A post as it is stored, with the lists of its audience. It may be deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostEntry {
    /// Its id.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Its text.
    pub content: String,
    /// The sort of its audience.
    pub audience: AudienceKind,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// Whom a custom audience names, in order of id.
    pub members: Vec<Member>,
    /// The post that it shares.
    pub shared_post_id: Option<PostId>,
    /// The idempotency key that it was made with.
    pub op_id: Option<String>,
    /// Counts edits.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub edited_at: Option<Timestamp>,
    /// Whether its author has deleted it.
    pub deleted: bool,
}

/// A person or a circle in a list of a custom audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The id of the person or the circle.
    pub id: Uuid,
    /// Whether it is denied.
    pub deny: bool,
    /// Whether it is a circle.
    pub is_circle: bool,
}

/// Numbers of a post.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostCounters {
    /// Comments that are not deleted.
    pub comments: i32,
    /// Shares that are not deleted.
    pub shares: i32,
    /// Views.
    pub views: i64,
}

/// The newest posts that a person has marked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMarksEntry {
    /// Those that they have saved.
    pub saved: Newest<()>,
    /// Those that they have hidden from their feeds.
    pub hidden: Newest<()>,
}

/// Who is in which circle, each in order of id.
pub type Circles = HashMap<CircleId, Arc<Vec<UserId>>>;

impl PostEntry {
    /// What others need to know of it.
    pub fn facts(&self) -> Facts {
        Facts {
            post_id: self.post_id,
            author_id: self.author_id,
            audience: self.audience,
            version: self.version,
            shared_post_id: self.shared_post_id,
        }
    }

    /// The circles that its audience names.
    pub fn circles(&self) -> impl Iterator<Item = CircleId> {
        let circles = self.members.iter().filter(|member| member.is_circle);
        circles.map(|member| CircleId::from_uuid(member.id))
    }

    fn names(&self, deny: bool, viewer: UserId, circles: &Circles) -> bool {
        let mut list = self.members.iter().filter(|member| member.deny == deny);
        list.any(|member| {
            if !member.is_circle {
                return member.id == viewer.uuid();
            }
            let inside = circles.get(&CircleId::from_uuid(member.id));
            inside.is_some_and(|people| people.binary_search(&viewer).is_ok())
        })
    }
}

/// May the viewer see a post? The same rule as `visible_post` in SQL, and a test holds the two
/// equal. `ties` are the viewer's; `circles` has those that a custom audience names.
pub fn can_see_post(
    viewer: Viewer,
    post: &PostEntry,
    author: &AccountRow,
    ties: &Ties,
    circles: &Circles,
) -> bool {
    if post.deleted || !author.is_active() {
        return false;
    }
    if viewer.is(post.author_id) {
        return true;
    }
    if ties.is_hidden(post.author_id) {
        return false;
    }
    match post.audience {
        AudienceKind::Public => true,
        AudienceKind::OnlyMe => false,
        AudienceKind::Friends => ties.is_friend(post.author_id),
        AudienceKind::Custom => viewer.id().is_some_and(|viewer| {
            ties.is_friend(post.author_id)
                && (post.allow_all_friends || post.names(false, viewer, circles))
                && !post.names(true, viewer, circles)
        }),
    }
}
