//! Which messages of a conversation a page shows.

use super::message::Message;
use super::messages::{messages, messages_then};
use super::seen::Seen;
use crate::domains::messaging::cache::{MESSAGE, RECENT};
use crate::domains::messaging::model::{SeqKey, Stretch};
use crate::domains::messaging::store;
use crate::kernel::page::{Page, Slice};
use crate::kernel::{Error, MessageId, Result};
use crate::platform::Reads;
use crate::platform::sessions::Viewer;

/// What a page of messages is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// Only messages after this place, and the oldest of them first.
    pub after_seq: Option<i64>,
    /// Only messages before this place.
    pub before_seq: Option<i64>,
}

/// A page of the messages of a conversation that somebody sees.
pub async fn page(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    seen: &Seen,
    wish: Wish,
    slice: &Slice<SeqKey>,
) -> Result<Page<SeqKey, Message>> {
    let bounds = seen.bounds().narrowed(wish.after_seq, wish.before_seq);
    let stretch = Stretch::of(bounds, slice, wish.after_seq.is_some());
    let places = slice.page(places(reads, seen, stretch).await?);
    let shown = shown(reads, viewer, seen, &places.items).await?;
    Ok(places.with_items(shown))
}

/// The page with a message in its middle: the places beside it, `before` of which are newer. What
/// is no message of this conversation that they see is 404.
pub async fn around(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    seen: &Seen,
    message_id: MessageId,
    slices: impl Fn(&SeqKey) -> (Slice<SeqKey>, Slice<SeqKey>),
) -> Result<Page<SeqKey, Message>> {
    let bounds = seen.bounds();
    let found = reads.get(&MESSAGE, &message_id).await?;
    let middle = found
        .filter(|row| row.conversation_id == seen.entry.conversation_id && bounds.has(row.seq))
        .ok_or_else(Error::not_found)?;
    let (newer, older) = slices(&SeqKey(middle.seq));
    let newer_rows = places(reads, seen, Stretch::of(bounds, &newer, false)).await?;
    let mut rows = vec![(SeqKey(middle.seq), message_id)];
    rows.extend(places(reads, seen, Stretch::of(bounds, &older, false)).await?);
    let page = older.page(rows).preceded_by(newer.page(newer_rows));
    let shown = shown(reads, viewer, seen, &page.items).await?;
    Ok(page.with_items(shown))
}

/// Messages as they are to somebody who is in the conversation or has left it.
async fn shown(
    reads: &mut Reads<'_>,
    viewer: Viewer,
    seen: &Seen,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    let found = messages(reads, viewer, ids).await?.into_iter();
    let left_at = seen.membership.left_at;
    let found = found.map(|message| (message, left_at)).collect();
    messages_then(reads, found).await
}

/// The messages at the places of a stretch, in the order of the walk: from the entry of the newest
/// ones as far as that goes, else by their places from Postgres.
async fn places(
    reads: &mut Reads<'_>,
    seen: &Seen,
    stretch: Stretch,
) -> Result<Vec<(SeqKey, MessageId)>> {
    if stretch.low > stretch.high {
        return Ok(Vec::new());
    }
    let id = seen.entry.conversation_id;
    let kept = match reads {
        Reads::Cached(_) => reads.get(&RECENT, &id).await?,
        Reads::Within(_) => None,
    };
    let at = |seq: i64| Some((SeqKey(seq), kept.as_ref()?.at(seq)?));
    let found: Option<Vec<_>> = stretch.places().into_iter().map(at).collect();
    if let Some(found) = found {
        return Ok(found);
    }
    let Stretch { low, high, .. } = stretch;
    let mut rows = store::list_places(&mut *reads.conn().await?, id, low, high).await?;
    if !stretch.ascending {
        rows.reverse();
    }
    let keyed = rows.into_iter().map(|(seq, id)| (SeqKey(seq), id));
    Ok(keyed.collect())
}
