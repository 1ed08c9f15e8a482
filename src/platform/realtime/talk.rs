//! What a client may ask of its connection: the operations of the gateway, and those of the domains.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value, json};

use super::conn::{Conn, Transport};
use super::hub::Hub;
use super::joining::{self, Ask, Joined};
use super::replay::Position;
use super::wire::Request;
use super::{Channel, Command, HistoryPage, presence, typing};
use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::limits::{Told as Verdicts, plan};
use crate::platform::sessions::{self, CurrentUser};

/// Most channels of one subscription.
const MOST_AT_ONCE: usize = 64;
/// Most objects of a snapshot.
const MOST_IN_SNAPSHOT: u16 = 100;
/// Most objects of a page.
const MOST_IN_PAGE: u16 = 200;

/// What came of a frame: the reply, and subscriptions that wait behind their gates.
pub(super) struct Outcome {
    pub(super) d: Result<Value>,
    pub(super) joined: Vec<Joined>,
}

impl From<Result<Value>> for Outcome {
    fn from(d: Result<Value>) -> Self {
        let joined = Vec::new();
        Self { d, joined }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscribe {
    chs: Vec<Wanted>,
    #[serde(default)]
    pub(super) snapshot: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    ch: Channel,
    #[serde(default)]
    pos: Option<Position>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsubscribe {
    #[serde(default)]
    pub(super) ch: Option<Channel>,
    #[serde(default)]
    pub(super) chs: Vec<Channel>,
}

impl Unsubscribe {
    /// Refuses more channels than anybody listens to.
    pub(super) fn guard(&self) -> Result<()> {
        if self.chs.len() <= joining::most(Transport::Socket) {
            return Ok(());
        }
        let words = "Name at most 128 channels.";
        Err(Error::invalid_field("/chs", "out_of_range", words))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct History {
    ch: Channel,
    #[serde(default)]
    before: Option<i64>,
    #[serde(default)]
    limit: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refresh {
    token: String,
}

/// The parties of a conversation.
#[derive(Clone)]
pub(super) struct Talk {
    pub(super) ctx: Ctx,
    pub(super) hub: Hub,
    pub(super) conn: Arc<Conn>,
    pub(super) user: CurrentUser,
}

impl Talk {
    /// With whoever is at the other end of a connection, once that is known.
    pub(super) fn of(ctx: &Ctx, hub: &Hub, conn: Arc<Conn>) -> Option<Self> {
        let user = conn.who()?.user;
        Some(Self {
            ctx: ctx.clone(),
            hub: hub.clone(),
            conn,
            user,
        })
    }

    /// Does what a frame asks.
    pub(super) async fn run(&self, request: Request) -> Outcome {
        let Request { op, inbound, .. } = request;
        match op.as_str() {
            "ping" => Ok(json!({"server_ts": self.ctx.now().micros() / 1_000})).into(),
            "subscribe" => match inbound.body::<Subscribe>() {
                Ok(body) => self.subscribe(body).await,
                Err(error) => Err(error).into(),
            },
            "unsubscribe" => (inbound.body().and_then(|body| self.unsubscribe(&body))).into(),
            "history" => match inbound.body() {
                Ok(body) => self.history(body).await.into(),
                Err(error) => Err(error).into(),
            },
            "ack" => self.acknowledge(&inbound.d).into(),
            "refresh" => inbound.body().and_then(|body| self.refresh(&body)).into(),
            "presence.set" => presence::set(self, &inbound).await.into(),
            "typing.start" => typing::start(self, &inbound).into(),
            "typing.stop" => typing::stop(self, &inbound).into(),
            op => match self.hub.registry().command(op) {
                Some(command) => self.command(command, inbound).await.into(),
                None => Err(Error::new(
                    Code::UnknownOp,
                    "There is no such operation. See docs/realtime.md.",
                ))
                .into(),
            },
        }
    }

    async fn subscribe(&self, body: Subscribe) -> Outcome {
        let asks = match self.wanted(&body) {
            Ok(asks) => asks,
            Err(error) => return Err(error).into(),
        };
        let joined = match joining::join(&self.ctx, &self.hub, &self.conn, asks).await {
            Ok(joined) => joined,
            Err(error) => return Err(error).into(),
        };
        let d = Ok(self.stands(&joined, body.snapshot).await);
        Outcome { d, joined }
    }

    /// Where each channel stands, and what is in it from there on: whatever comes after the position is
    /// told, so nothing falls between.
    pub(super) async fn stands(&self, joined: &[Joined], snapshot: u16) -> Value {
        let mut replies = joining::replies(joined);
        if snapshot > 0 {
            for channel in joining::allowed(joined) {
                let snapshot = self.snapshot(&channel, snapshot).await;
                let reply = replies.get_mut(channel.to_string());
                if let (Some(reply), Some(snapshot)) =
                    (reply.and_then(Value::as_object_mut), snapshot)
                {
                    reply.insert("snapshot".to_owned(), snapshot);
                }
            }
        }
        let one = match replies.as_object() {
            Some(all) if all.len() == 1 => all.values().next().cloned(),
            _ => None,
        };
        let mut d = json!({"subs": replies});
        // One channel's answer is also told where it was simply asked for.
        if let (Some(Value::Object(one)), Some(members)) = (one, d.as_object_mut()) {
            members.extend(one);
        }
        d
    }

    /// What a subscription asks for, if it may be asked for.
    pub(super) fn wanted(&self, body: &Subscribe) -> Result<Vec<Ask>> {
        let few = (1..=MOST_AT_ONCE).contains(&body.chs.len());
        if !few {
            return Err(Error::invalid_field(
                "/chs",
                "out_of_range",
                "Name 1 to 64 channels.",
            ));
        }
        if body.snapshot > MOST_IN_SNAPSHOT {
            let words = "A snapshot has at most 100 objects.";
            return Err(Error::invalid_field("/snapshot", "out_of_range", words));
        }
        let rooms = self.conn.rooms();
        let known = |channel: &Channel| rooms.iter().any(|room| room.channel == *channel);
        if body.chs.iter().any(|wanted| known(&wanted.ch)) {
            let words = "You listen to one of these already. Unsubscribe first.";
            return Err(Error::new(Code::AlreadySubscribed, words));
        }
        if rooms.len() + body.chs.len() > joining::most(self.conn.transport) + 2 {
            return Err(joining::too_many(self.conn.transport));
        }
        let mut asks: Vec<Ask> = Vec::with_capacity(body.chs.len());
        for wanted in &body.chs {
            if asks.iter().any(|ask| ask.channel == wanted.ch) {
                let words = "Name each channel once.";
                return Err(Error::invalid_field("/chs", "duplicate", words));
            }
            asks.push(Ask {
                channel: wanted.ch.clone(),
                position: wanted.pos.clone(),
            });
        }
        Ok(asks)
    }

    async fn snapshot(&self, channel: &Channel, count: u16) -> Option<Value> {
        let topic = self.hub.registry().topic(&channel.topic)?;
        let snapshot = (topic.snapshot?)(self.ctx.clone(), self.user.id, channel.id, count);
        match snapshot.await {
            Ok(snapshot) => Some(snapshot),
            Err(error) => Some(json!({"err": super::wire::refusal(&error)})),
        }
    }

    fn unsubscribe(&self, body: &Unsubscribe) -> Result<Value> {
        body.guard()?;
        let channels = body.chs.iter().chain(&body.ch);
        let left: Vec<String> = channels
            .filter(|channel| !channel.is_inbox() && **channel != joining::EVERYBODY)
            .filter(|channel| joining::part(&self.hub, &self.conn, channel))
            .map(Channel::to_string)
            .collect();
        Ok(json!({"chs": left}))
    }

    async fn history(&self, body: History) -> Result<Value> {
        joining::may_join(&self.ctx, &self.hub, &self.conn, &body.ch).await?;
        let limit = body.limit.unwrap_or(50);
        if !(1..=MOST_IN_PAGE).contains(&limit) {
            return Err(Error::invalid_field("/limit", "out_of_range", "1 to 200."));
        }
        let topic = self.hub.registry().topic(&body.ch.topic);
        let history = topic.and_then(|topic| topic.history).ok_or_else(|| {
            Error::new(
                Code::UnknownOp,
                "This channel has no history. Ask the routes.",
            )
        })?;
        let page = HistoryPage {
            before: body.before,
            limit,
        };
        history(self.ctx.clone(), self.user.id, body.ch.id, page).await
    }

    /// How far the client has its inbox. Nothing follows from it yet.
    fn acknowledge(&self, d: &Value) -> Result<Value> {
        let inbox = super::inbox(self.user.id).to_string();
        let offset = d.as_object().and_then(|d| d.get(&inbox)?.as_i64());
        let words = "Name your inbox and an offset.";
        offset.ok_or_else(|| Error::invalid_field("", "required", words))?;
        Ok(json!({}))
    }

    fn refresh(&self, body: &Refresh) -> Result<Value> {
        let bearer = sessions::verify(&self.ctx, &body.token)?;
        if bearer.user_id != self.user.id || bearer.session_id != self.user.session_id {
            let words = "The token is of another session. Connect anew with it.";
            return Err(Error::new(Code::Forbidden, words));
        }
        let ends = u64::try_from(bearer.ends).unwrap_or_default();
        self.conn.token_ends.store(ends, Ordering::Relaxed);
        let left = bearer.ends - self.ctx.now().utc().timestamp();
        Ok(json!({"expires_in": left}))
    }

    /// An operation of a domain, under the limits of the route that does the same.
    async fn command(&self, command: &Command, inbound: super::Inbound) -> Result<Value> {
        self.ctx.cache().step().await;
        // The socket lives longer than a request: whether its session counts is asked each time.
        let user = sessions::living(&self.ctx, self.user.id, self.user.session_id).await?;
        let limiter = self.ctx.limiter();
        if let (Some((method, path)), true) = (command.twin, limiter.is_enabled()) {
            let own = self.hub.0.options.limits.own(method, path);
            let checks = plan(own, Some(user.id), self.conn.address);
            let verdicts = limiter.take(checks).await;
            if let Some(refusal) = Verdicts(&verdicts).refusal() {
                return Err(refusal);
            }
        }
        (command.run)(self.ctx.clone(), user, inbound).await
    }
}
