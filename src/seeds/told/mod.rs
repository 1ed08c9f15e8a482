//! What small data sets have told their people: made of the data itself, so that the same set gives the
//! same notifications.

mod happenings;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use super::copy::CopyText;
use super::dataset::{Dataset, State};
use super::draw::derived_id;
use super::tables::Table;
use crate::domains::notifications::{Happening, Kind, Subject};
use crate::infra::db::Conn;
use crate::kernel::ids::Id as _;
use crate::kernel::{NotificationId, PostId, Timestamp, UserId};
use happenings::{Called, all, names};

/// Larger sets are for measuring and tell nobody anything.
const MOST_PEOPLE: usize = 1_000;
/// What has been quiet for longer is not told: it would take most of the time of a load.
const KEPT: TimeDelta = TimeDelta::days(14);
/// What happened to somebody so long before the last thing, or later, is new to them.
const NEW: TimeDelta = TimeDelta::days(2);
/// And these are not read.
const UNREAD: TimeDelta = TimeDelta::days(3);

/// Things that happened which are told as one.
struct Group {
    id: NotificationId,
    user: UserId,
    subject: Subject,
    items: Vec<Happening>,
    first: Timestamp,
    last: Timestamp,
}

/// Tells the people of a data set what happened to them, and notes how far they have looked: what happened
/// to a person in the two days before the last thing is new to them, a day more of it is not read, and
/// some of that they have opened by itself.
pub async fn tell(conn: &mut Conn, data: &Dataset) -> anyhow::Result<()> {
    if data.accounts.len() > MOST_PEOPLE {
        return Ok(());
    }
    let called = list_called(conn, &names(data)).await?;
    let deleted = data.accounts.iter();
    let deleted = deleted.filter(|account| matches!(account.state, State::Deleted(_)));
    let deleted: BTreeSet<UserId> = deleted.map(|account| account.id).collect();
    let mut happenings = all(data, &called);
    happenings.retain(|happening| !deleted.contains(&happening.user_id));
    let mentions = mentions(&happenings);
    for table in tables(&group(happenings), mentions) {
        table.write(conn).await?;
    }
    let people: Vec<UserId> = data.accounts.iter().map(|account| account.id).collect();
    see_requests(conn, &people).await?;
    Ok(())
}

/// Those with these names who see the posts.
async fn list_called(conn: &mut Conn, names: &[(PostId, String)]) -> anyhow::Result<Called> {
    let (posts, names): (Vec<PostId>, Vec<String>) = names.iter().cloned().unzip();
    let rows = sqlx::query!(
        r#"select distinct c.post_id as "post_id!: PostId", c.name as "name!",
                  a.user_id as "user_id!: UserId"
           from unnest($1::uuid[], $2::text[]) as c (post_id, name)
           join account a on a.username = c.name and a.state = 'active'
           where exists (select from visible_post(a.user_id) p where p.post_id = c.post_id)"#,
        &posts as _,
        &names
    )
    .fetch_all(conn)
    .await?;
    let called = rows.into_iter();
    Ok(called
        .map(|row| ((row.post_id, row.name), row.user_id))
        .collect())
}

/// Whoever has seen the list has seen the requests in it.
async fn see_requests(conn: &mut Conn, people: &[UserId]) -> sqlx::Result<()> {
    sqlx::query!(
        "update friend_request r set seen_at = m.seen_up_to
         from notification_marker m
         where r.recipient_id = any($1) and r.state = 'pending'
           and m.user_id = r.recipient_id and r.created_at <= m.seen_up_to",
        people as _
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Groups of what happened, each of them whole, without those in which nothing has happened for long.
fn group(happenings: Vec<Happening>) -> Vec<Group> {
    let newest = happenings.iter().map(|happening| happening.at).max();
    let mut found: BTreeMap<(UserId, Subject), Vec<Happening>> = BTreeMap::new();
    for happening in happenings {
        let key = (happening.user_id, happening.subject);
        found.entry(key).or_default().push(happening);
    }
    let groups = found.into_iter();
    let groups = groups.filter_map(|((user, subject), mut items)| {
        items.sort_by_key(|item| (item.at, item.actor_id, item.source_id));
        let (first, last) = (items.first()?.at, items.last()?.at);
        if last <= newest? - KEPT {
            return None;
        }
        let name = format!("notification {user} {}", subject.group_key());
        Some(Group {
            id: derived_id(&name, first),
            user,
            subject,
            items,
            first,
            last,
        })
    });
    groups.collect()
}

fn tables(groups: &[Group], mentions: CopyText) -> [Table; 4] {
    [
        Table {
            name: "notification",
            statement: "copy notification (notification_id, user_id, kind, group_key, post_id,
                        comment_id, conversation_id, actor_count, read_up_to, created_at,
                        updated_at) from stdin",
            rows: notifications(groups),
        },
        Table {
            name: "notification_item",
            statement: "copy notification_item (notification_item_id, notification_id, user_id,
                        actor_id, source_id, created_at) from stdin",
            rows: items(groups),
        },
        Table {
            name: "notification_marker",
            statement: "copy notification_marker (user_id, seen_up_to, read_up_to) from stdin",
            rows: markers(groups),
        },
        Table {
            name: "mention_told",
            statement: "copy mention_told (source_id, user_id, told_at) from stdin",
            rows: mentions,
        },
    ]
}

fn notifications(groups: &[Group]) -> CopyText {
    let mut copy = CopyText::default();
    for group in groups {
        let actors: BTreeSet<UserId> = group.items.iter().map(|item| item.actor_id).collect();
        let subject = group.subject;
        // Chance without a generator: the last bits of an id.
        let is_opened = group.id.uuid().as_u128().is_multiple_of(4);
        copy.id(group.id)
            .id(group.user)
            .text(subject.kind().as_str())
            .text(&subject.group_key())
            .maybe_id(subject.post_id())
            .maybe_id(subject.comment_id())
            .maybe_id(subject.conversation_id())
            .number(i64::try_from(actors.len()).unwrap_or(i64::MAX))
            .maybe_time(is_opened.then_some(group.last))
            .time(group.first)
            .time(group.last)
            .end();
    }
    copy
}

fn items(groups: &[Group]) -> CopyText {
    let mut copy = CopyText::default();
    for group in groups {
        for item in &group.items {
            let name = format!("item {} {} {}", group.id, item.actor_id, item.source_id);
            let id: NotificationId = derived_id(&name, item.at);
            copy.id(id)
                .id(group.id)
                .id(group.user)
                .id(item.actor_id)
                .uuid(item.source_id)
                .time(item.at)
                .end();
        }
    }
    copy
}

fn markers(groups: &[Group]) -> CopyText {
    let mut last: BTreeMap<UserId, Timestamp> = BTreeMap::new();
    for group in groups {
        let known = last.entry(group.user).or_insert(group.last);
        *known = group.last.max(*known);
    }
    let mut copy = CopyText::default();
    for (user, last) in last {
        copy.id(user).time(last - NEW).time(last - UNREAD).end();
    }
    copy
}

/// Whom each text has called, however long ago: it tells nobody twice.
fn mentions(happenings: &[Happening]) -> CopyText {
    let mut copy = CopyText::default();
    let mentions = happenings.iter();
    for item in mentions.filter(|one| one.subject.kind() == Kind::Mention) {
        copy.uuid(item.source_id)
            .id(item.user_id)
            .time(item.at)
            .end();
    }
    copy
}
