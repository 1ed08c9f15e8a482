//! All rows of one load, in memory, before any of them is written.

mod talks;

use chrono::NaiveDate;

use crate::domains::posts::AudienceKind;
use crate::domains::reactions::{self, Target};
use crate::domains::users::{FriendListAudience, RequestPolicy, SimpleAudience};
use crate::kernel::{CircleId, CommentId, FriendRequestId, PostId, Timestamp, UserId};
use crate::platform::sessions::Role;

pub use talks::{Conversation, Deed, Departure, Marks, Message, Seat};

/// Everything that one load writes.
#[derive(Debug, Default)]
pub struct Dataset {
    /// People.
    pub accounts: Vec<Account>,
    /// Friendships, each once.
    pub friendships: Vec<Link>,
    /// Pending requests, from the first to the second.
    pub requests: Vec<(FriendRequestId, Link)>,
    /// Requests that were accepted, from the first to the second, and when that was. Each has its friendship.
    pub accepted: Vec<(FriendRequestId, Link, Timestamp)>,
    /// Follows, from the first to the second.
    pub follows: Vec<Link>,
    /// Blocks, of the second by the first.
    pub blocks: Vec<Link>,
    /// Mutes, of the second by the first.
    pub mutes: Vec<Link>,
    /// Circles with their members.
    pub circles: Vec<Circle>,
    /// Posts.
    pub posts: Vec<Post>,
    /// Comments; a parent may come after its replies.
    pub comments: Vec<Comment>,
    /// Reactions, at most one of a person to a thing.
    pub reactions: Vec<Reaction>,
    /// Saved posts.
    pub saved: Vec<Mark>,
    /// Hidden posts.
    pub hidden: Vec<Mark>,
    /// Who has seen which post on which day, each once.
    pub views: Vec<(PostId, UserId, NaiveDate)>,
    /// Conversations with what was said in them.
    pub conversations: Vec<Conversation>,
}

/// A person.
#[derive(Debug, Clone)]
pub struct Account {
    /// Their id.
    pub id: UserId,
    /// Their name in addresses.
    pub username: String,
    /// The name that people read.
    pub display_name: String,
    /// What they say of themselves.
    pub bio: String,
    /// Where they say they are.
    pub location: String,
    /// Their address on the web.
    pub website: Option<String>,
    /// E-mail address, taken for verified.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they can sign in and be seen.
    pub state: State,
    /// What differs from the usual settings.
    pub settings: Settings,
    /// When they joined.
    pub created_at: Timestamp,
}

/// Whether somebody can sign in and be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Yes.
    Active,
    /// No, by a moderator's word.
    Suspended,
    /// No, and it will not change: since when.
    Deleted(Timestamp),
}

/// Settings that seeds vary.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Language tag.
    pub language: &'static str,
    /// Whom posts are for when nothing else is said.
    pub default_audience: SimpleAudience,
    /// Who may ask for friendship.
    pub who_can_request: RequestPolicy,
    /// Who may see the list of friends.
    pub who_sees_friends: FriendListAudience,
    /// Whether search and suggestions know them.
    pub findable: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: "en",
            default_audience: SimpleAudience::Friends,
            who_can_request: RequestPolicy::Everyone,
            who_sees_friends: FriendListAudience::Friends,
            findable: true,
        }
    }
}

/// One person and another, since when.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// The first, who acts where only one does.
    pub from: UserId,
    /// The second.
    pub to: UserId,
    /// Since when.
    pub at: Timestamp,
}

/// A private list of friends.
#[derive(Debug, Clone)]
pub struct Circle {
    /// Its id.
    pub id: CircleId,
    /// Whose it is.
    pub owner: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Who is in it.
    pub members: Vec<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Somebody, or a circle, that a custom audience names.
#[derive(Debug, Clone, Copy)]
pub enum Named {
    /// A friend.
    Person(UserId),
    /// A circle of friends.
    Circle(CircleId),
}

/// A post.
#[derive(Debug, Clone)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Who wrote it.
    pub author: UserId,
    /// What it says.
    pub content: String,
    /// Whom it is for.
    pub audience: AudienceKind,
    /// Whom a custom audience allows; empty means all friends.
    pub allow: Vec<Named>,
    /// Whom a custom audience denies.
    pub deny: Vec<Named>,
    /// The post that it shares.
    pub shared: Option<PostId>,
    /// What it said before its edits, oldest first, and when it began to.
    pub earlier: Vec<(String, Timestamp)>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was edited last.
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

impl Post {
    /// A post for everybody that nothing has happened to.
    pub fn new(id: PostId, author: UserId, content: String, created_at: Timestamp) -> Self {
        Self {
            id,
            author,
            content,
            audience: AudienceKind::Public,
            allow: Vec::new(),
            deny: Vec::new(),
            shared: None,
            earlier: Vec::new(),
            created_at,
            edited_at: None,
            deleted_at: None,
        }
    }
}

/// A comment or a reply.
#[derive(Debug, Clone)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The post under which it stands.
    pub post: PostId,
    /// The comment that it answers.
    pub parent: Option<CommentId>,
    /// How far below the post.
    pub depth: i16,
    /// Who wrote it.
    pub author: UserId,
    /// What it says.
    pub content: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// Somebody's reaction to a post or comment.
#[derive(Debug, Clone, Copy)]
pub struct Reaction {
    /// To what.
    pub target: Target,
    /// Whose.
    pub user: UserId,
    /// Which one.
    pub kind: reactions::Kind,
    /// When.
    pub at: Timestamp,
}

/// A post that somebody saved or hid.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    /// Who.
    pub user: UserId,
    /// Which post.
    pub post: PostId,
    /// When.
    pub at: Timestamp,
}
