//! Which notifications a person may see: those whose people and content they see, by the rules of
//! people, posts and comments, in a handful of bulk reads for any number of groups.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domains::comments::{self, CommentEntry};
use crate::domains::messaging::{self, MemberState};
use crate::domains::notifications::cache::NOTIFICATION_MARKS;
use crate::domains::notifications::model::{Channel, Group, Item, Kind, Marks};
use crate::domains::posts::{self, PostEntry};
use crate::domains::relations::{self, Ties};
use crate::domains::users::{AccountRow, USER};
use crate::kernel::ids::Id as _;
use crate::kernel::{CommentId, ConversationId, PostId, Result, Timestamp, UserId, distinct};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// What decides about some groups, for one person at one instant.
pub struct Judge {
    /// How far the person has looked.
    pub marks: Arc<Marks>,
    /// Posts that they see.
    pub posts: HashMap<PostId, Arc<PostEntry>>,
    /// Comments that they see.
    pub comments: HashMap<CommentId, Arc<CommentEntry>>,
    /// Everybody who did something.
    pub people: HashMap<UserId, Arc<AccountRow>>,
    /// What the person is in conversations.
    conversations: HashMap<ConversationId, MemberState>,
    /// What lies between the person and others.
    pub ties: Arc<Ties>,
    now: Timestamp,
}

/// A group as its person may see it.
pub struct Shown<'a> {
    /// The group.
    pub group: &'a Group,
    /// The items that they see, newest first; never empty.
    pub items: Vec<&'a Item>,
    /// The newest of them.
    pub newest: &'a Item,
    /// Whether they have seen it in the list.
    pub seen: bool,
    /// Whether they have read it.
    pub read: bool,
}

impl Judge {
    /// Reads what decides about `groups`.
    pub async fn load(
        reads: &mut Reads<'_>,
        user_id: UserId,
        groups: &[Group],
        now: Timestamp,
    ) -> Result<Self> {
        let viewer = Viewer::from(user_id);
        let posts: Vec<PostId> = distinct(groups.iter().flat_map(Group::posts));
        let comments: Vec<CommentId> = distinct(groups.iter().flat_map(Group::comments));
        let items = groups.iter().flat_map(|group| &group.items);
        let actors: Vec<UserId> = distinct(items.map(|item| item.actor_id));
        let talks = groups.iter().filter_map(|group| group.conversation_id);
        let talks: Vec<ConversationId> = distinct(talks);
        Ok(Self {
            marks: reads.load(&NOTIFICATION_MARKS, &user_id).await?,
            posts: posts::seen(reads, viewer, &posts).await?,
            comments: comments::seen(reads, viewer, &comments).await?,
            people: reads.get_many(&USER, &actors).await?,
            conversations: messaging::states(reads, user_id, &talks).await?,
            ties: relations::ties_of(reads, viewer).await?,
            now,
        })
    }

    /// The group as the person may see it on this channel; `None` where there is nothing of it for them.
    pub fn show<'a>(&self, group: &'a Group, channel: Channel) -> Option<Shown<'a>> {
        if !self.marks.preferences.wants(group.kind, channel) || !self.sees_place(group) {
            return None;
        }
        let items = group.items.iter().filter(|item| self.sees(group, item));
        let items: Vec<&Item> = items.collect();
        let newest = *items.first()?;
        let is_behind = |mark: Option<Timestamp>| mark.is_some_and(|mark| newest.at <= mark);
        let read = is_behind(group.read_up_to) || is_behind(self.marks.read_up_to);
        Some(Shown {
            group,
            items,
            newest,
            seen: read || is_behind(self.marks.seen_up_to),
            read,
        })
    }

    /// Whether the person sees what the group as a whole is about.
    fn sees_place(&self, group: &Group) -> bool {
        let sees_post = |id: PostId| self.posts.contains_key(&id);
        let sees_comment = |id: CommentId| self.comments.contains_key(&id);
        let is_there = |id: ConversationId| {
            let state = self.conversations.get(&id);
            state.is_some_and(|state| match state {
                MemberState::Request => true,
                // Whoever has answered a stranger is not told of the request any more.
                MemberState::Active => group.kind != Kind::MessageRequest,
                _ => false,
            })
        };
        group.post_id.is_none_or(sees_post)
            && group.comment_id.is_none_or(sees_comment)
            && group.conversation_id.is_none_or(is_there)
    }

    fn sees(&self, group: &Group, item: &Item) -> bool {
        let is_active = self
            .people
            .get(&item.actor_id)
            .is_some_and(|who| who.is_active());
        let sees_source = match group.kind {
            Kind::Comment | Kind::Reply => self
                .comments
                .contains_key(&CommentId::from_uuid(item.source_id)),
            Kind::Share => self.posts.contains_key(&PostId::from_uuid(item.source_id)),
            _ => true,
        };
        sees_source
            && self.ties.sees(item.actor_id, is_active)
            && !self.ties.is_muted(item.actor_id, self.now)
    }

    /// People whose items do not count among those of a group beyond the ones that it keeps, beside those whose
    /// accounts are not active.
    pub fn unheard(&self) -> Vec<UserId> {
        let muted = self.ties.muted.iter().map(|(user_id, _)| *user_id);
        let muted = muted.filter(|user_id| self.ties.is_muted(*user_id, self.now));
        muted.chain(self.ties.hidden.iter().copied()).collect()
    }
}
