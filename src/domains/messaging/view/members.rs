//! Members of conversations, with what they let others know.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::conversation::MemberView;
use super::seen::Seen;
use crate::domains::messaging::cache::{MEMBERS, RECEIPTS};
use crate::domains::messaging::model::{
    ConversationKind, Member, MemberState, Receipt, ShownState, takes_messages,
};
use crate::domains::users::{self, Person, SETTINGS, SettingsRow};
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Code, ConversationId, Error, Result, UserId};
use crate::platform::Reads;

/// Who is in some conversations, as far as they are shown to `me`.
#[derive(Debug)]
pub(super) struct Rosters {
    me: UserId,
    members: HashMap<ConversationId, Arc<Vec<Member>>>,
    receipts: HashMap<ConversationId, Arc<Vec<Receipt>>>,
    people: HashMap<UserId, Person>,
    settings: HashMap<UserId, Arc<SettingsRow>>,
}

impl Rosters {
    /// Loads the first `limit` members of each of these conversations. Whoever has left one is not
    /// told who is in it now.
    pub async fn load<'a>(
        reads: &mut Reads<'_>,
        me: UserId,
        seen: impl Iterator<Item = &'a Seen>,
        limit: usize,
    ) -> Result<Self> {
        let present = seen.filter(|one| one.membership.state != MemberState::Left);
        let ids: Vec<ConversationId> = present.map(|one| one.entry.conversation_id).collect();
        let members = reads.get_many(&MEMBERS, &ids).await?;
        let receipts = reads.get_many(&RECEIPTS, &ids).await?;
        let shown = members.values().flat_map(|all| all.iter().take(limit));
        let people: HashSet<UserId> = shown.map(|member| member.user_id).chain([me]).collect();
        let people: Vec<UserId> = people.into_iter().collect();
        Ok(Self {
            me,
            members,
            receipts,
            people: users::people(reads, &people).await?,
            settings: reads.get_many(&SETTINGS, &people).await?,
        })
    }

    fn of(&self, id: ConversationId) -> &[Member] {
        self.members.get(&id).map_or(&[], |all| all.as_slice())
    }

    /// How many there are.
    pub fn count(&self, id: ConversationId) -> i64 {
        i64::try_from(self.of(id).len()).unwrap_or(i64::MAX)
    }

    /// The first members of a conversation.
    pub fn shown(&self, id: ConversationId, kind: ConversationKind) -> Vec<MemberView> {
        let views = self.of(id).iter();
        views
            .filter_map(|member| self.view(id, kind, member))
            .collect()
    }

    /// How somebody is in a conversation.
    pub fn state_of(&self, id: ConversationId, user_id: UserId) -> Option<MemberState> {
        let found = self.of(id).iter().find(|member| member.user_id == user_id);
        found.map(|member| member.state)
    }

    /// Whether somebody lets a person write whom they know, or do not know, as a friend.
    pub fn takes(&self, user_id: UserId, are_friends: bool) -> bool {
        let settings = self.settings.get(&user_id);
        settings.is_some_and(|row| takes_messages(&row.who_can_message, are_friends))
    }

    /// Somebody's picture.
    pub fn avatar_url(&self, user_id: UserId) -> Option<String> {
        self.people.get(&user_id)?.avatar_url.clone()
    }

    /// A member; `None` of one beyond those that were loaded.
    fn view(
        &self,
        id: ConversationId,
        kind: ConversationKind,
        member: &Member,
    ) -> Option<MemberView> {
        let receipts = self.receipts.get(&id)?;
        let place = receipts.binary_search_by_key(&member.user_id, |receipt| receipt.user_id);
        let receipt = place.ok().and_then(|place| receipts.get(place));
        let is_told = member.user_id == self.me || kind == ConversationKind::Group;
        Some(MemberView {
            user: self.people.get(&member.user_id)?.clone(),
            role: member.role,
            // What the other one of two has done with a request is nobody's business.
            state: match member.state.shown() {
                Some(state) if is_told => state,
                _ => ShownState::Active,
            },
            read_up_to: self
                .tells(member.user_id)
                .then(|| receipt.map_or(0, |receipt| receipt.shown_up_to)),
            delivered_up_to: receipt.map_or(0, |receipt| receipt.delivered_up_to),
        })
    }

    /// Whether somebody's reading is shown. It works both ways, and one sees one's own.
    fn tells(&self, user_id: UserId) -> bool {
        let tells = |id: UserId| self.settings.get(&id).is_some_and(|row| row.read_receipts);
        user_id == self.me || (tells(self.me) && tells(user_id))
    }
}

/// A page of the members of a conversation that `me` is in, who came last first.
pub async fn members(
    reads: &mut Reads<'_>,
    me: UserId,
    seen: &Seen,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, MemberView>> {
    if seen.membership.state == MemberState::Left {
        return Err(Error::new(
            Code::Forbidden,
            "You have left this conversation: who is in it now is not for you.",
        ));
    }
    let (id, kind) = (seen.entry.conversation_id, seen.entry.kind);
    let rosters = Rosters::load(reads, me, [seen].into_iter(), usize::MAX).await?;
    let keyed = rosters.of(id).iter().map(|member| {
        let key = TimeKey(member.joined_at, member.user_id.uuid());
        (key, *member)
    });
    let page = slice.page_of_whole(keyed.collect());
    let shown = page.items.iter();
    let shown = shown.filter_map(|member| rosters.view(id, kind, member));
    let shown = shown.collect();
    Ok(page.with_items(shown))
}

/// One member of a conversation, for the answer to a change of them.
pub async fn member(
    reads: &mut Reads<'_>,
    me: UserId,
    seen: &Seen,
    user_id: UserId,
) -> Result<MemberView> {
    let (id, kind) = (seen.entry.conversation_id, seen.entry.kind);
    let rosters = Rosters::load(reads, me, [seen].into_iter(), usize::MAX).await?;
    let found = rosters
        .of(id)
        .iter()
        .find(|member| member.user_id == user_id);
    let view = found.and_then(|member| rosters.view(id, kind, member));
    view.ok_or_else(Error::not_found)
}
