//! Members of conversations, with what they let others know.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::conversation::MemberView;
use super::seen::{MembershipKey, Seen};
use crate::domains::messaging::cache::{MEMBERS, RECEIPTS};
use crate::domains::messaging::model::{
    ConversationKind, MEMBERS_SHOWN, Member, MemberState, Receipt, ShownState, takes_messages,
};
use crate::domains::users::{self, Person, SETTINGS, SettingsRow};
use crate::kernel::ids::Id as _;
use crate::kernel::page::{Page, Slice, TimeKey};
use crate::kernel::{Code, ConversationId, Error, Result, UserId, distinct};
use crate::platform::Reads;

/// Who is in some conversations, as far as they are shown to some people.
#[derive(Debug)]
pub(super) struct Rosters {
    members: HashMap<ConversationId, Arc<Vec<Member>>>,
    receipts: HashMap<ConversationId, Arc<Vec<Receipt>>>,
    people: HashMap<UserId, Person>,
    settings: HashMap<UserId, Arc<SettingsRow>>,
}

impl Rosters {
    /// Loads the first `limit` members of each of these conversations, and those of them that are named.
    pub async fn load(
        reads: &mut Reads<'_>,
        ids: HashSet<ConversationId>,
        named: &[UserId],
        limit: usize,
    ) -> Result<Self> {
        let ids: Vec<ConversationId> = ids.into_iter().collect();
        let members = reads.get_many(&MEMBERS, &ids).await?;
        let receipts = reads.get_many(&RECEIPTS, &ids).await?;
        let shown = members.values().flat_map(|all| all.iter().take(limit));
        let shown = shown.map(|member| member.user_id);
        let people: Vec<UserId> = distinct(shown.chain(named.iter().copied()));
        Ok(Self {
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

    /// The first members of a conversation, as they are shown to `me`, or to many at once.
    pub fn shown(
        &self,
        me: Option<UserId>,
        id: ConversationId,
        kind: ConversationKind,
    ) -> Vec<MemberView> {
        let first = self.of(id).iter().take(MEMBERS_SHOWN);
        first
            .filter_map(|member| self.view(me, (id, kind), member))
            .collect()
    }

    /// One member of a conversation, as they are shown to `me`, or to many at once.
    fn one(
        &self,
        me: Option<UserId>,
        (id, kind): (ConversationId, ConversationKind),
        user_id: UserId,
    ) -> Option<MemberView> {
        let found = self.of(id).iter().find(|member| member.user_id == user_id);
        self.view(me, (id, kind), found?)
    }

    /// How somebody is in a conversation.
    pub fn state_of(&self, id: ConversationId, user_id: UserId) -> Option<MemberState> {
        let found = self.of(id).iter().find(|member| member.user_id == user_id);
        found.map(|member| member.state)
    }

    /// Whether somebody lets a person write whom they know, or do not know, as a friend.
    pub fn takes(&self, user_id: UserId, are_friends: bool) -> bool {
        let settings = self.settings.get(&user_id);
        settings.is_some_and(|row| takes_messages(row.who_can_message, are_friends))
    }

    /// Somebody's picture.
    pub fn avatar_url(&self, user_id: UserId) -> Option<String> {
        self.people.get(&user_id)?.avatar_url.clone()
    }

    /// A member; `None` of one beyond those that were loaded.
    fn view(
        &self,
        me: Option<UserId>,
        (id, kind): (ConversationId, ConversationKind),
        member: &Member,
    ) -> Option<MemberView> {
        let receipts = self.receipts.get(&id)?;
        let place = receipts.binary_search_by_key(&member.user_id, |receipt| receipt.user_id);
        let receipt = place.ok().and_then(|place| receipts.get(place));
        let is_told = Some(member.user_id) == me || kind == ConversationKind::Group;
        Some(MemberView {
            user: self.people.get(&member.user_id)?.clone(),
            role: member.role,
            // What the other one of two has done with a request is nobody's business.
            state: match member.state.shown() {
                Some(state) if is_told => state,
                _ => ShownState::Active,
            },
            read_up_to: self
                .tells(me, member.user_id)
                .then(|| receipt.map_or(0, |receipt| receipt.shown_up_to)),
            delivered_up_to: receipt.map_or(0, |receipt| receipt.delivered_up_to),
        })
    }

    /// Whether somebody's reading is shown. It works both ways, and one sees one's own; of many at once
    /// some may not be shown it.
    fn tells(&self, me: Option<UserId>, user_id: UserId) -> bool {
        let tells = |id: UserId| self.settings.get(&id).is_some_and(|row| row.read_receipts);
        me.is_some_and(|me| user_id == me || (tells(me) && tells(user_id)))
    }
}

/// A page of the members of a conversation that `me` is in, who came last first.
pub async fn members(
    reads: &mut Reads<'_>,
    me: UserId,
    seen: &Seen,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, MemberView>> {
    if seen.has_left() {
        return Err(Error::new(
            Code::Forbidden,
            "You have left this conversation: who is in it now is not for you.",
        ));
    }
    let (id, kind) = (seen.entry.conversation_id, seen.entry.kind);
    let rosters = Rosters::load(reads, HashSet::from([id]), &[me], usize::MAX).await?;
    let keyed = rosters.of(id).iter().map(|member| {
        let key = TimeKey(member.joined_at, member.user_id.uuid());
        (key, *member)
    });
    let page = slice.page_of_whole(keyed.collect());
    let shown = page.items.iter();
    let shown = shown.filter_map(|member| rosters.view(Some(me), (id, kind), member));
    let shown = shown.collect();
    Ok(page.with_items(shown))
}

/// One member of a conversation, for the answer to a change of them. Whoever has left is not told who is
/// there now.
pub async fn member(
    reads: &mut Reads<'_>,
    me: UserId,
    seen: &Seen,
    user_id: UserId,
) -> Result<MemberView> {
    let (id, kind) = (seen.entry.conversation_id, seen.entry.kind);
    let ids = (!seen.has_left()).then_some(id).into_iter().collect();
    let rosters = Rosters::load(reads, ids, &[me, user_id], 0).await?;
    let view = rosters.one(Some(me), (id, kind), user_id);
    view.ok_or_else(Error::not_found)
}

/// Members of conversations as all are told of them who listen, with how many there are; those who are
/// there no more are left out.
pub async fn shared_members(
    reads: &mut Reads<'_>,
    wanted: &[MembershipKey],
) -> Result<HashMap<MembershipKey, (MemberView, i64)>> {
    let ids: HashSet<ConversationId> = wanted.iter().map(|(id, _)| *id).collect();
    let people: Vec<UserId> = wanted.iter().map(|(_, user_id)| *user_id).collect();
    // Direct conversations have no comings.
    let kind = ConversationKind::Group;
    let rosters = Rosters::load(reads, ids, &people, 0).await?;
    let shown = wanted.iter().filter_map(|part| {
        let view = rosters.one(None, (part.0, kind), part.1)?;
        Some((*part, (view, rosters.count(part.0))))
    });
    Ok(shown.collect())
}
