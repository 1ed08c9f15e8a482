//! Telling people, and taking it back.

use chrono::TimeDelta;

use super::super::live::Telling;
use super::super::model::{Channel, Happening, Kind, Lane};
use super::super::store::{self, Due};
use crate::domains::posts;
use crate::kernel::{NotificationId, Result, Timestamp, UserId};
use crate::platform::Tx;

/// Tells people of what happened; nobody of what they did themselves or, unless it mentions them, of a
/// post that they have muted, or again of what mentions them.
pub async fn notice(
    tx: &mut Tx,
    telling: &mut Telling,
    mut happenings: Vec<Happening>,
) -> Result<()> {
    happenings.retain(|happening| happening.user_id != happening.actor_id);
    // Every transaction locks the groups in one order.
    happenings.sort_by_key(|happening| happening.user_id);
    for happening in &happenings {
        if is_muted(tx, happening).await? {
            continue;
        }
        if let Some(told_at) = told_before(tx, happening).await? {
            list_again(tx, telling, happening, told_at).await?;
            continue;
        }
        let ids = (tx.new_id(), tx.new_id());
        if let Some(id) = store::record(tx.conn(), happening, ids).await? {
            telling.created(happening.user_id, id, happening.actor_id);
            send_on_its_way(tx, id, happening).await?;
        }
    }
    Ok(())
}

/// When the person was told of this before: of a mention, however often the text was edited since.
async fn told_before(tx: &mut Tx, happening: &Happening) -> Result<Option<Timestamp>> {
    let Happening {
        user_id,
        source_id,
        at,
        ..
    } = *happening;
    if happening.subject.kind() != Kind::Mention {
        return Ok(None);
    }
    let told_at = store::note_mention(tx.conn(), source_id, user_id, at).await?;
    Ok((told_at < at).then_some(told_at))
}

/// A text calls somebody again: that is listed where it was, as read, and nobody is told.
async fn list_again(
    tx: &mut Tx,
    telling: &mut Telling,
    happening: &Happening,
    told_at: Timestamp,
) -> Result<()> {
    let ids = (tx.new_id(), tx.new_id());
    let old = Happening {
        at: told_at,
        ..*happening
    };
    if let Some(id) = store::record(tx.conn(), &old, ids).await? {
        store::advance_read(tx.conn(), id, told_at).await?;
        telling.counts(happening.user_id);
    }
    Ok(())
}

async fn is_muted(tx: &mut Tx, happening: &Happening) -> Result<bool> {
    let subject = happening.subject;
    match subject.post_id() {
        Some(post_id) if subject.kind() != Kind::Mention => {
            posts::is_muted(tx.conn(), happening.user_id, post_id).await
        }
        _ => Ok(false),
    }
}

/// Queues what goes to devices and by mail. It waits a while there, and is judged once more before it
/// goes.
async fn send_on_its_way(tx: &mut Tx, id: NotificationId, happening: &Happening) -> Result<()> {
    let (user_id, kind) = (happening.user_id, happening.subject.kind());
    let marks = store::list_marks(tx.conn(), &[user_id]).await?;
    let Some((_, marks)) = marks.into_iter().next() else {
        return Ok(());
    };
    let wants = |channel| marks.preferences.wants(kind, channel);
    let ways = (wants(Channel::Push), wants(Channel::Email));
    let (now, lane) = (tx.now(), kind.lane());
    let hold = TimeDelta::from_std(tx.ctx().config().push_hold).unwrap_or_default();
    let due = Due {
        push: match lane {
            Lane::High => now + hold * 2 / 5,
            Lane::Normal => now + hold,
        },
        email: now + hold * 60,
    };
    store::enqueue_deliveries(tx.conn(), (id, user_id), lane, ways, due, now).await
}

/// Makes the groups fit from which something was taken.
pub async fn forget(
    tx: &mut Tx,
    telling: &mut Telling,
    gone: &[(NotificationId, UserId)],
) -> Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    let ids: Vec<NotificationId> = gone.iter().map(|(id, _)| *id).collect();
    let left = store::settle_groups(tx.conn(), &ids).await?;
    for (id, user_id) in gone {
        if left.contains(id) {
            telling.counts(*user_id);
        } else {
            telling.cleared(*user_id, &[*id]);
        }
    }
    Ok(())
}
