//! What inboxes are told: notifications as they come, are read and go, friendships, and how much waits;
//! and the frame that reads.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::actions::{self, UpTo};
use super::model::Channel;
use super::routes::{READ_ALL, READ_ONE};
use super::view;
use crate::domains::relations::{self, FriendRequest};
use crate::kernel::ids::Id as _;
use crate::kernel::{FriendRequestId, NotificationId, Result, UserId};
use crate::platform::realtime::{
    Apart, COUNTS_CHANGED, Command, Event, INBOX, Inbound, Live, Member, News, NothingElse,
    Rendering, Told, answer_as, inbox, key_of,
};
use crate::platform::sessions::CurrentUser;
use crate::platform::{Ctx, Reads, Tx};

/// A notification has come, or something new has happened in it.
pub const CREATED: &str = "notification.created";
/// A notification, or everything up to an instant, was read on some device.
pub const READ: &str = "notification.read";
/// Notifications are gone.
pub const CLEARED: &str = "notification.cleared";
/// Somebody asks for friendship.
pub const FRIEND_REQUESTED: &str = "friend.requested";
/// Somebody has accepted a request.
pub const FRIEND_ACCEPTED: &str = "friend.accepted";

const FRIEND_REQUEST: &[Member] = &[Member::of::<FriendRequest>("friend_request")];

/// What this domain tells live.
pub static LIVE: Live = Live {
    topics: &[],
    snapshots: &[],
    renderings: &[
        Rendering {
            kinds: &[CREATED],
            render: |ctx, viewer, told| Box::pin(render_created(ctx, viewer, told)),
        },
        Rendering {
            kinds: &[FRIEND_REQUESTED, FRIEND_ACCEPTED],
            render: |ctx, viewer, told| Box::pin(render_requests(ctx, viewer, told)),
        },
    ],
    commands: &[Command {
        op: "notification.read",
        twin: Some(("PUT", READ_ONE)),
        run: |ctx, me, frame| Box::pin(read(ctx, me, frame)),
    }],
    events: &[
        Event::durable(
            CREATED,
            INBOX,
            &[Member::of::<view::Notification>("notification")],
        )
        .says("also when something new has happened in it"),
        Event::durable(
            READ,
            INBOX,
            &[
                Member::words("up_to", "the instant up to which it was read"),
                Member::words("ids", "which; without it, all").optional(),
            ],
        ),
        Event::durable(CLEARED, INBOX, &[Member::words("ids", "which are gone")]),
        Event::durable(FRIEND_REQUESTED, INBOX, FRIEND_REQUEST),
        Event::durable(FRIEND_ACCEPTED, INBOX, FRIEND_REQUEST),
        Event::state(
            COUNTS_CHANGED,
            INBOX,
            &[Member::of::<view::Counts>("counts")],
        )
        .says("when something else waits, messages among it; once a second at most"),
    ],
};

/// What a transaction has to tell inboxes at its end.
#[derive(Default)]
pub struct Telling {
    news: Vec<News>,
    people: BTreeSet<UserId>,
}

impl Telling {
    /// Tells somebody of something.
    pub fn add(&mut self, user_id: UserId, news: News) {
        self.people.insert(user_id);
        self.news.push(news);
    }

    /// Tells somebody of a notification.
    pub fn created(&mut self, user_id: UserId, id: NotificationId, actor: UserId) {
        let news = news(user_id, CREATED, Value::Null);
        self.add(
            user_id,
            News {
                object_id: Some(id.uuid()),
                actor: Some(actor),
                ..news
            },
        );
    }

    /// Tells somebody that notifications of theirs are gone.
    pub fn cleared(&mut self, user_id: UserId, ids: &[NotificationId]) {
        self.add(user_id, news(user_id, CLEARED, json!({"ids": ids})));
    }

    /// Only the counts of somebody have changed.
    pub fn counts(&mut self, user_id: UserId) {
        self.people.insert(user_id);
    }

    /// Tells all of it when the transaction ends, and after the commit how much waits for each.
    pub fn tell(self, tx: &mut Tx) {
        for news in self.news {
            tx.publish(news);
        }
        for user_id in self.people {
            tx.tell_counts(user_id);
        }
    }
}

/// Something for an inbox that says all by its name and its facts.
pub fn news(user_id: UserId, kind: &'static str, detail: Value) -> News {
    News {
        channel: inbox(user_id),
        kind,
        object_id: None,
        actor: None,
        detail,
    }
}

/// Marks the notification that a frame names as read, or everything up to where it says.
async fn read(ctx: Ctx, me: CurrentUser, frame: Inbound) -> Result<Value> {
    if frame.d.get("notification_id").is_some() {
        let apart = Apart::<NotificationId>::of(&frame, "notification_id", READ_ONE)?;
        apart.body::<NothingElse>()?;
        return answer_as(&ctx, me, apart.key, "notification", async |tx: &mut Tx| {
            actions::mark_read(tx, me.id, apart.id).await
        })
        .await;
    }
    let up_to: UpTo = frame.body()?;
    let key = key_of(&frame, READ_ALL, READ_ALL, &frame.d)?;
    answer_as(&ctx, me, key, "counts", async |tx: &mut Tx| {
        actions::mark_all_read(tx, me.id, &up_to).await
    })
    .await
}

async fn render_created(
    ctx: Ctx,
    viewer: Option<UserId>,
    told: Vec<Told>,
) -> Result<Vec<Option<Value>>> {
    let Some(user_id) = viewer else {
        return Ok(vec![None; told.len()]);
    };
    let id_of = |told: &Told| told.object_id.map(NotificationId::from_uuid);
    let ids: Vec<NotificationId> = told.iter().filter_map(id_of).collect();
    let reads = &mut Reads::cached(&ctx);
    let found = view::some(&ctx, reads, user_id, &ids, Channel::InApp).await?;
    let shown = |told: &Told| {
        let notification = found.get(&id_of(told)?)?;
        Some(json!({"notification": notification}))
    };
    Ok(told.iter().map(shown).collect())
}

/// Requests as they are by now: one that is no longer open is told as such, and one by somebody whom
/// the person may not see any more is not told.
async fn render_requests(
    ctx: Ctx,
    viewer: Option<UserId>,
    told: Vec<Told>,
) -> Result<Vec<Option<Value>>> {
    let Some(user_id) = viewer else {
        return Ok(vec![None; told.len()]);
    };
    let id_of = |told: &Told| told.object_id.map(FriendRequestId::from_uuid);
    let ids: Vec<FriendRequestId> = told.iter().filter_map(id_of).collect();
    let reads = &mut Reads::cached(&ctx);
    let found = relations::requests_by_id(reads, user_id, &ids).await?;
    let found: HashMap<FriendRequestId, FriendRequest> =
        found.into_iter().map(|found| (found.id, found)).collect();
    let shown = |told: &Told| {
        let request = found.get(&id_of(told)?)?;
        Some(json!({"friend_request": request}))
    };
    Ok(told.iter().map(shown).collect())
}
