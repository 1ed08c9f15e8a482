//! From the audience that a client asks for to the rows that are stored.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::posts::model::{AudienceKind, Member, Reach, Wanted};
use crate::domains::posts::store::audience::{self as store, KnownRow, NewMember};
use crate::domains::posts::store::posts::OwnRow;
use crate::infra::db::Conn;
use crate::kernel::text::Refusal;
use crate::kernel::{Error, FieldError, PostId, Result, UserId};

/// An audience whose people and circles are known.
#[derive(Debug)]
pub struct Resolved {
    /// The sort.
    pub kind: AudienceKind,
    /// Whether a custom audience is all friends less those denied.
    pub allow_all_friends: bool,
    /// The entries of its lists.
    pub members: Vec<NewMember>,
}

impl Resolved {
    /// The same entries as a post shows them, in order of id.
    pub fn entries(&self) -> Vec<Member> {
        let mut entries: Vec<Member> = (self.members.iter())
            .map(|member| Member {
                id: member.who.id,
                deny: member.deny,
                is_circle: member.who.is_circle,
            })
            .collect();
        entries.sort_by_key(|entry| (entry.id, entry.deny));
        entries
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        let entries = self.members.iter();
        let entries = entries.map(|member| (member.who.id, member.deny));
        Reach::of(self.kind, self.allow_all_friends, entries)
    }
}

/// How far the audience reaches that a post has.
pub async fn stored_reach(conn: &mut Conn, post_id: PostId, post: &OwnRow) -> Result<Reach> {
    let members = store::list_members(conn, &[post_id]).await?;
    let entries = members.iter().map(|member| (member.id, member.deny));
    Ok(Reach::of(post.audience, post.allow_all_friends, entries))
}

/// Looks up everybody in the lists; whom the author cannot name is refused, each at its place.
pub async fn resolve(
    conn: &mut Conn,
    author_id: UserId,
    post_id: PostId,
    wanted: &Wanted,
) -> Result<Resolved> {
    let lists = wanted.lists().map_err(Error::invalid)?;
    let allow_all_friends = lists.allow.is_none();
    let allow = lists.allow.unwrap_or_default();
    let all: Vec<Uuid> = allow.union(&lists.deny).copied().collect();
    let known: HashMap<Uuid, KnownRow> = if all.is_empty() {
        HashMap::new()
    } else {
        let rows = store::list_known(conn, author_id, post_id, &all).await?;
        rows.into_iter().map(|row| (row.id, row)).collect()
    };
    let faults: Vec<FieldError> = [("allow", &wanted.allow), ("deny", &wanted.deny)]
        .into_iter()
        .flat_map(|(name, list)| unknown(name, list.as_deref().unwrap_or_default(), &known))
        .collect();
    if !faults.is_empty() {
        return Err(Error::invalid(faults));
    }
    let entry = |deny: bool| move |who: &KnownRow| NewMember { deny, who: *who };
    let allowed = allow
        .iter()
        .filter_map(|id| known.get(id))
        .map(entry(false));
    let denied = lists
        .deny
        .iter()
        .filter_map(|id| known.get(id))
        .map(entry(true));
    Ok(Resolved {
        kind: wanted.kind,
        allow_all_friends,
        members: allowed.chain(denied).collect(),
    })
}

fn unknown(name: &str, list: &[Uuid], known: &HashMap<Uuid, KnownRow>) -> Vec<FieldError> {
    let strangers = list
        .iter()
        .enumerate()
        .filter(|(_, id)| !known.contains_key(*id));
    strangers
        .map(|(index, _)| {
            let detail = "This is neither a person whom you can see nor one of your circles.";
            Refusal::new("unknown_audience_member", detail).at(format!("/audience/{name}/{index}"))
        })
        .collect()
}
