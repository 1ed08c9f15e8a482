//! Pages of notifications.

use std::collections::HashMap;

use super::judge::{Judge, Shown};
use super::shape::{Dress, Notification};
use crate::domains::notifications::cache::NOTIFICATIONS;
use crate::domains::notifications::model::{Channel, Group, Hot};
use crate::domains::notifications::store;
use crate::kernel::page::{Direction, Page, Slice, TimeKey};
use crate::kernel::{NotificationId, Result, UserId};
use crate::platform::{Ctx, Reads};

/// Groups that are looked at in one go where the entry does not reach.
const STRIDE: u16 = 100;

/// How things are put together in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// What belongs together is one notification.
    Grouped,
    /// Each thing that somebody did is one.
    Single,
}

/// A page of what a person may see, newest first. What they may not see is replaced by what comes
/// after it, so that a page is full unless the list ends.
pub async fn page(
    ctx: &Ctx,
    user_id: UserId,
    grouping: Grouping,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Notification>> {
    let reads = &mut Reads::cached(ctx);
    if grouping == Grouping::Grouped {
        let hot = reads.load(&NOTIFICATIONS, &user_id).await?;
        if let Some(kept) = kept(&hot, slice) {
            let judge = Judge::load(reads, user_id, &kept.groups, ctx.now()).await?;
            let seen = seen(&judge, &kept.groups, Channel::InApp);
            if kept.ends || seen.len() > usize::from(slice.limit) {
                let page = slice.page(seen);
                let dress = Dress::load(ctx, reads, &judge, &page.items).await?;
                let dressed = page.items.iter().map(|one| dress.on(one)).collect();
                return Ok(page.with_items(dressed));
            }
        }
    }
    walk(ctx, reads, user_id, grouping, slice).await
}

/// Those of the groups that the person may see on this channel.
pub async fn some(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
    ids: &[NotificationId],
    channel: Channel,
) -> Result<HashMap<NotificationId, Notification>> {
    let groups = {
        let conn = &mut *reads.conn().await?;
        store::list_groups_by_id(conn, user_id, ids).await?
    };
    let found = shown(ctx, reads, user_id, &groups, channel).await?;
    Ok(found.into_iter().map(|(_, one)| (one.id, one)).collect())
}

/// One group, if the person may see it on this channel.
pub async fn one(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
    group_id: NotificationId,
    channel: Channel,
) -> Result<Option<Notification>> {
    let mut found = some(ctx, reads, user_id, &[group_id], channel).await?;
    Ok(found.remove(&group_id))
}

/// The groups of an entry that may fill a page, in the order of the walk.
struct Kept {
    groups: Vec<Group>,
    /// Whether the list has no others that way.
    ends: bool,
}

fn kept(hot: &Hot, slice: &Slice<TimeKey>) -> Option<Kept> {
    // A place that is passed by, because its group has moved up, is as good as one that is there.
    let is_within =
        |key: &TimeKey| hot.is_whole || hot.groups.last().is_some_and(|group| group.key() <= *key);
    let groups = hot.groups.iter();
    match (slice.direction, &slice.from) {
        (Direction::Next, None) => Some(Kept {
            groups: groups.cloned().collect(),
            ends: hot.is_whole,
        }),
        (Direction::Next, Some(from)) if is_within(from) => Some(Kept {
            groups: groups
                .filter(|group| group.key() < *from)
                .cloned()
                .collect(),
            ends: hot.is_whole,
        }),
        (Direction::Prev, Some(from)) if is_within(from) => Some(Kept {
            groups: groups
                .rev()
                .filter(|group| group.key() > *from)
                .cloned()
                .collect(),
            ends: true,
        }),
        _ => None,
    }
}

async fn walk(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
    grouping: Grouping,
    slice: &Slice<TimeKey>,
) -> Result<Page<TimeKey, Notification>> {
    let mut found = Vec::new();
    let mut stride = Slice {
        from: slice.from.clone(),
        direction: slice.direction,
        ..Slice::first(STRIDE)
    };
    loop {
        let groups = {
            let conn = &mut *reads.conn().await?;
            match grouping {
                Grouping::Grouped => store::list_groups(conn, user_id, &stride).await?,
                Grouping::Single => store::list_singly(conn, user_id, &stride).await?,
            }
        };
        let goes_on = groups.len() > usize::from(STRIDE);
        stride.from = groups.last().map(Group::key);
        found.extend(shown(ctx, reads, user_id, &groups, Channel::InApp).await?);
        if !goes_on || found.len() > usize::from(slice.limit) {
            return Ok(slice.page(found));
        }
    }
}

/// Those of the groups that the person may see, in their order.
async fn shown(
    ctx: &Ctx,
    reads: &mut Reads<'_>,
    user_id: UserId,
    groups: &[Group],
    channel: Channel,
) -> Result<Vec<(TimeKey, Notification)>> {
    let judge = Judge::load(reads, user_id, groups, ctx.now()).await?;
    let (keys, shown): (Vec<_>, Vec<_>) = seen(&judge, groups, channel).into_iter().unzip();
    let dress = Dress::load(ctx, reads, &judge, &shown).await?;
    let dressed = shown.iter().map(|one| dress.on(one));
    Ok(keys.into_iter().zip(dressed).collect())
}

fn seen<'a>(judge: &Judge, groups: &'a [Group], channel: Channel) -> Vec<(TimeKey, Shown<'a>)> {
    let seen = groups.iter().filter_map(|group| judge.show(group, channel));
    seen.map(|one| (one.group.key(), one)).collect()
}
