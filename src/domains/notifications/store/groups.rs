//! Reading groups and their newest items.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domains::notifications::model::{Group, HOT, Hot, Item, Kind};
use crate::infra::db::Conn;
use crate::kernel::page::{Slice, TimeKey};
use crate::kernel::{CommentId, ConversationId, NotificationId, PostId, Result, Timestamp, UserId};
use crate::keyset;

/// Of how many items the newest people of a group are found, and how many people those are.
const ITEMS: (i64, i64) = (50, 8);

/// Of how many of its newest items it is known whose accounts are suspended or deleted.
const LOOKED_THROUGH: i64 = 200;

/// A group without its items.
struct GroupRow {
    user_id: UserId,
    notification_id: NotificationId,
    kind: Kind,
    group_key: String,
    post_id: Option<PostId>,
    comment_id: Option<CommentId>,
    conversation_id: Option<ConversationId>,
    actor_count: i32,
    read_up_to: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl GroupRow {
    fn with(self, items: Vec<Item>) -> Group {
        Group {
            notification_id: self.notification_id,
            kind: self.kind,
            group_key: self.group_key,
            post_id: self.post_id,
            comment_id: self.comment_id,
            conversation_id: self.conversation_id,
            actor_count: self.actor_count,
            read_up_to: self.read_up_to,
            created_at: self.created_at,
            updated_at: self.updated_at,
            items,
        }
    }
}

/// The newest groups of some people; whoever has none has an empty list.
pub async fn list_hot(conn: &mut Conn, ids: &[UserId]) -> Result<Vec<(UserId, Hot)>> {
    let fetch = i64::try_from(HOT + 1).unwrap_or(i64::MAX);
    let rows = sqlx::query_as!(
        GroupRow,
        r#"select n.user_id as "user_id!: _", n.notification_id as "notification_id!: _",
                  n.kind as "kind!: _", n.group_key as "group_key!", n.post_id as "post_id?: _",
                  n.comment_id as "comment_id?: _",
                  n.conversation_id as "conversation_id?: _",
                  n.actor_count as "actor_count!", n.read_up_to as "read_up_to?: _",
                  n.created_at as "created_at!: _", n.updated_at as "updated_at!: _"
           from unnest($1::uuid[]) as person (id)
           cross join lateral (
               select * from notification n where n.user_id = person.id
               order by n.updated_at desc, n.notification_id desc limit $2
           ) n
           order by n.user_id, n.updated_at desc, n.notification_id desc"#,
        ids as _,
        fetch
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut hot: HashMap<UserId, Hot> = HashMap::new();
    for (user_id, group) in with_items(conn, rows).await? {
        hot.entry(user_id).or_default().groups.push(group);
    }
    Ok(ids
        .iter()
        .map(|id| {
            let mut found = hot.remove(id).unwrap_or_default();
            found.is_whole = found.groups.len() <= HOT;
            found.groups.truncate(HOT);
            (*id, found)
        })
        .collect())
}

/// A stretch of a person's groups, newest first.
pub async fn list_groups(
    conn: &mut Conn,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Group>> {
    let rows = keyset!(
        conn, slice, newest "n.updated_at", "n.notification_id", GroupRow,
        r#"select n.user_id as "user_id: _", n.notification_id as "notification_id: _",
                  n.kind as "kind: _", n.group_key, n.post_id as "post_id: _", n.comment_id as "comment_id: _",
                  n.conversation_id as "conversation_id: _", n.actor_count, n.read_up_to as "read_up_to: _",
                  n.created_at as "created_at: _", n.updated_at as "updated_at: _"
           from notification n where n.user_id = $4"#,
        user_id as _
    )?;
    let groups = with_items(conn, rows).await?.into_iter();
    Ok(groups.map(|(_, group)| group).collect())
}

/// Groups by id, of a person.
pub async fn list_groups_by_id(
    conn: &mut Conn,
    user_id: UserId,
    ids: &[NotificationId],
) -> Result<Vec<Group>> {
    let rows = sqlx::query_as!(
        GroupRow,
        r#"select n.user_id as "user_id: _", n.notification_id as "notification_id: _",
                  n.kind as "kind: _", n.group_key, n.post_id as "post_id: _", n.comment_id as "comment_id: _",
                  n.conversation_id as "conversation_id: _", n.actor_count, n.read_up_to as "read_up_to: _",
                  n.created_at as "created_at: _", n.updated_at as "updated_at: _"
           from notification n where n.user_id = $1 and n.notification_id = any($2)"#,
        user_id as _,
        ids as _
    )
    .fetch_all(&mut *conn)
    .await?;
    let groups = with_items(conn, rows).await?.into_iter();
    Ok(groups.map(|(_, group)| group).collect())
}

/// Gives each group its newest items, in the order of the rows.
async fn with_items(conn: &mut Conn, rows: Vec<GroupRow>) -> Result<Vec<(UserId, Group)>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<NotificationId> = rows.iter().map(|row| row.notification_id).collect();
    let (looked_at, kept) = ITEMS;
    let found = sqlx::query!(
        r#"select n.id as "notification_id!: NotificationId", i.actor_id as "actor_id!: UserId",
                  i.source_id as "source_id!", i.created_at as "created_at!: Timestamp"
           from unnest($1::uuid[]) as n (id)
           cross join lateral (
               select * from (
                   select distinct on (late.actor_id) late.*
                   from (
                       select * from notification_item i where i.notification_id = n.id
                       order by i.created_at desc, i.notification_item_id desc limit $2
                   ) late
                   order by late.actor_id, late.created_at desc, late.notification_item_id desc
               ) i
               order by i.created_at desc, i.notification_item_id desc limit $3
           ) i
           order by n.id, i.created_at desc, i.notification_item_id desc"#,
        &ids as _,
        looked_at,
        kept
    )
    .fetch_all(conn)
    .await?;
    let mut items: HashMap<NotificationId, Vec<Item>> = HashMap::new();
    for row in found {
        items.entry(row.notification_id).or_default().push(Item {
            actor_id: row.actor_id,
            source_id: row.source_id,
            at: row.created_at,
        });
    }
    let groups = rows.into_iter().map(|row| {
        let items = items.remove(&row.notification_id).unwrap_or_default();
        (row.user_id, row.with(items))
    });
    Ok(groups.collect())
}

/// An item with its group.
struct ItemRow {
    item_id: NotificationId,
    kind: Kind,
    group_key: String,
    post_id: Option<PostId>,
    comment_id: Option<CommentId>,
    conversation_id: Option<ConversationId>,
    read_up_to: Option<Timestamp>,
    actor_id: UserId,
    source_id: Uuid,
    at: Timestamp,
}

/// A stretch of what happened to a person, newest first, each thing as a group of its own.
pub async fn list_singly(
    conn: &mut Conn,
    user_id: UserId,
    slice: &Slice<TimeKey>,
) -> Result<Vec<Group>> {
    let rows = keyset!(
        conn, slice, newest "i.created_at", "i.notification_item_id", ItemRow,
        r#"select i.notification_item_id as "item_id: _", n.kind as "kind: _", n.group_key,
                  n.post_id as "post_id: _", n.comment_id as "comment_id: _",
                  n.conversation_id as "conversation_id: _",
                  n.read_up_to as "read_up_to: _", i.actor_id as "actor_id: _", i.source_id,
                  i.created_at as "at: _"
           from notification_item i join notification n on n.notification_id = i.notification_id
           where i.user_id = $4"#,
        user_id as _
    )?;
    let single = |row: ItemRow| Group {
        notification_id: row.item_id,
        kind: row.kind,
        group_key: row.group_key,
        post_id: row.post_id,
        comment_id: row.comment_id,
        conversation_id: row.conversation_id,
        actor_count: 1,
        read_up_to: row.read_up_to,
        created_at: row.at,
        updated_at: row.at,
        items: vec![Item {
            actor_id: row.actor_id,
            source_id: row.source_id,
            at: row.at,
        }],
    };
    Ok(rows.into_iter().map(single).collect())
}

/// How many actors of each group do not count, whatever the group keeps of them: `people`, and of the newest things
/// that are in it those of accounts that are suspended or deleted.
pub async fn count_unheard(
    conn: &mut Conn,
    groups: &[NotificationId],
    people: &[UserId],
) -> Result<HashMap<NotificationId, i64>> {
    let rows = sqlx::query!(
        r#"select n.id as "notification_id!: NotificationId", count(*) as "count!"
           from unnest($1::uuid[]) as n (id)
           cross join lateral (
               select i.actor_id from notification_item i
               where i.notification_id = n.id and i.actor_id = any($2)
               union
               select late.actor_id
               from (
                   select i.actor_id from notification_item i where i.notification_id = n.id
                   order by i.created_at desc, i.notification_item_id desc limit $3
               ) late
               join account a on a.user_id = late.actor_id
               where a.state <> 'active'
           ) unheard
           group by n.id"#,
        groups as _,
        people as _,
        LOOKED_THROUGH
    )
    .fetch_all(conn)
    .await?;
    let counts = rows.into_iter();
    Ok(counts.map(|row| (row.notification_id, row.count)).collect())
}
