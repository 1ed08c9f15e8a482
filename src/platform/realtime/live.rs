//! What a domain says of what it tells live, as data; the composition root collects it.

use std::collections::HashMap;

use futures_util::future::{BoxFuture, LocalBoxFuture};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::catalogue::{self, Entry, Event};
use super::{INBOX, Told};
use crate::kernel::{Result, UserId};
use crate::platform::Ctx;
use crate::platform::http::fit;
use crate::platform::sessions::CurrentUser;

/// The newest so many objects of a channel, as somebody sees them.
pub type Snapshot = fn(Ctx, UserId, Uuid, u16) -> BoxFuture<'static, Result<Value>>;
/// What is hidden from somebody of what they have missed in a channel.
pub type Hidden = fn(Ctx, UserId, Uuid) -> BoxFuture<'static, Result<IsHidden>>;
/// Says of what an event tells whether it is hidden.
pub type IsHidden = Box<dyn Fn(&Value) -> bool + Send + Sync>;
/// The last that somebody is told of a channel: a kind, and what it says.
pub type Farewell = fn(Uuid) -> (&'static str, Value);
/// A page of what was before in a channel, as somebody sees it.
pub type History = fn(Ctx, UserId, Uuid, HistoryPage) -> BoxFuture<'static, Result<Value>>;
/// One answer for each event, in their order.
pub type Render = fn(Ctx, Option<UserId>, Vec<Told>) -> Rendered;
/// What is sent of each event.
pub type Rendered = BoxFuture<'static, Result<Vec<Option<Value>>>>;

/// A topic that people may subscribe to. Begin with [`Topic::new`] and say what differs.
#[derive(Clone, Copy)]
pub struct Topic {
    /// Its name, the word before the colon: at most 16 lower-case letters.
    pub name: &'static str,
    /// Refuses those who may not listen. It reads Postgres, or takes the cache's step first.
    pub may_join: fn(Ctx, UserId, Uuid) -> BoxFuture<'static, Result<()>>,
    /// The tag whose void makes memberships of a channel be asked again, as `members:{id}`.
    pub member_tag: Option<fn(Uuid) -> String>,
    /// Sorts of tags whose voids may concern any of its channels, as `circle`: what has such a void asks
    /// about all of them, within a second.
    pub doubted_by: &'static [&'static str],
    /// Whether what lies between a listener and others may end that they listen: then it is asked about them before
    /// anything that comes after a change of it is passed on.
    pub heeds_relations: bool,
    /// Kinds of events that may come with others being allowed to listen: who may is asked before one is
    /// passed on, and what follows waits behind it.
    pub asks_at: &'static [&'static str],
    /// Kinds of events after which nobody listens any more.
    pub ends_with: &'static [&'static str],
    /// What whoever may listen no longer is told before the subscription ends: a kind, and what it says.
    pub farewell: Option<Farewell>,
    /// The newest n objects, for `snapshot: n`.
    pub snapshot: Option<Snapshot>,
    /// A page of what was before, for `history`.
    pub history: Option<History>,
    /// What a replay leaves out. It refuses those who may not listen any more.
    pub hidden: Option<Hidden>,
    /// Whether readers are spared actors whom they block or who block them.
    pub skips_blocked: bool,
    /// Kinds of events that settings of a reader may spare them: what [`super::Sight`] can name.
    pub optional: &'static [&'static str],
    /// Whether listeners tell each other that they type.
    pub typing: bool,
    /// Kinds of events by which their actor has said what they were typing.
    pub typing_ends_at: &'static [&'static str],
    /// What listeners learn of each other.
    pub attendance: Attendance,
}

impl Topic {
    /// A topic of which nothing is known but who may listen.
    pub const fn new(
        name: &'static str,
        may_join: fn(Ctx, UserId, Uuid) -> BoxFuture<'static, Result<()>>,
    ) -> Self {
        Self {
            name,
            may_join,
            member_tag: None,
            doubted_by: &[],
            heeds_relations: false,
            asks_at: &[],
            ends_with: &[],
            farewell: None,
            snapshot: None,
            history: None,
            hidden: None,
            skips_blocked: false,
            optional: &[],
            typing: false,
            typing_ends_at: &[],
            attendance: Attendance::Silent,
        }
    }

    /// Whether voids may end that somebody listens, or what they hear, without an event of the channel that
    /// says so.
    pub(super) fn follows_voids(&self) -> bool {
        self.heeds_relations || !self.doubted_by.is_empty()
    }
}

/// What listeners of a channel learn of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attendance {
    /// Nothing.
    Silent,
    /// How many there are: who they are is nobody's business.
    Counted,
    /// Who comes and goes while there are few, and how many there are where there are more. Those who
    /// hide their presence are left out, and so is anybody with whom a reader has a block.
    Named,
}

/// Which page of what was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryPage {
    /// What comes before this number; `None` is the newest.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u16,
}

/// Turns stored events of some kinds into what is sent, in bulk, from today's rows.
#[derive(Clone, Copy)]
pub struct Rendering {
    /// The kinds.
    pub kinds: &'static [&'static str],
    /// Gives one answer for each event, in their order; `None` where nothing is left to tell. The
    /// viewer is the owner of an inbox, and `None` where all listeners are sent the same bytes.
    pub render: Render,
}

/// What an inbound frame means.
#[derive(Clone, Copy)]
pub struct Command {
    /// The word in the frame, as `message.send`.
    pub op: &'static str,
    /// Method and path template of the route whose limits hold for it too.
    pub twin: Option<(&'static str, &'static str)>,
    /// Does it, and gives the `d` of the reply.
    pub run: fn(Ctx, CurrentUser, Inbound) -> LocalBoxFuture<'static, Result<Value>>,
}

/// A frame that a client sent.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Its content.
    pub d: Value,
    /// Names the operation, so that it is done once however often it is sent.
    pub op_id: Option<String>,
}

impl Inbound {
    /// The content as a typed value; what does not fit is told with every member at fault.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T> {
        fit(self.d.clone())
    }
}

/// All that a domain says.
#[derive(Clone, Copy, Default)]
pub struct Live {
    /// Its topics.
    pub topics: &'static [Topic],
    /// What topics of others begin with, for `snapshot: n`: those that are filled by this domain.
    pub snapshots: &'static [(&'static str, Snapshot)],
    /// How its events are rendered.
    pub renderings: &'static [Rendering],
    /// Its inbound frames.
    pub commands: &'static [Command],
    /// What it tells.
    pub events: &'static [Event],
}

/// All that the domains say, found by name.
#[derive(Clone, Default)]
pub struct Registry {
    topics: HashMap<&'static str, Topic>,
    renderings: HashMap<&'static str, Rendering>,
    commands: HashMap<&'static str, Command>,
    catalogue: Vec<Entry>,
}

impl Registry {
    /// Everything together.
    ///
    /// # Panics
    /// When a name is taken, a snapshot is of no topic, or an event is rendered and not declared: the program is wired wrongly and
    /// must not start.
    pub fn new<'a>(lives: impl IntoIterator<Item = &'a Live>) -> Self {
        let mut all = Self::default();
        let lives: Vec<&Live> = lives.into_iter().collect();
        for live in &lives {
            for topic in live.topics {
                let fits = topic.name != INBOX && topic.name.len() <= 16;
                assert!(fits, "no topic can be called {}", topic.name);
                let before = all.topics.insert(topic.name, *topic);
                assert!(before.is_none(), "two topics are called {}", topic.name);
            }
            for rendering in live.renderings {
                for kind in rendering.kinds {
                    let before = all.renderings.insert(kind, *rendering);
                    assert!(before.is_none(), "two renderings of {kind}");
                }
            }
            for command in live.commands {
                let before = all.commands.insert(command.op, *command);
                assert!(before.is_none(), "two commands are called {}", command.op);
            }
        }
        for (name, snapshot) in lives.iter().flat_map(|live| live.snapshots) {
            let topic = all.topics.get_mut(name);
            let topic = topic.filter(|topic| topic.snapshot.is_none());
            assert!(
                topic.is_some(),
                "the snapshot of {name} has no topic of its own"
            );
            if let Some(topic) = topic {
                topic.snapshot = Some(*snapshot);
            }
        }
        all.catalogue = catalogue(&lives);
        for kind in all.renderings.keys() {
            let is_declared = all.catalogue.iter().any(|entry| entry.kind == *kind);
            assert!(is_declared, "{kind} is rendered and not declared");
        }
        all
    }

    /// All that is told.
    pub fn catalogue(&self) -> &[Entry] {
        &self.catalogue
    }

    /// All topics.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// How events of this kind are rendered.
    pub fn rendering(&self, kind: &str) -> Option<&Rendering> {
        self.renderings.get(kind)
    }

    /// What an inbound frame means.
    pub fn command(&self, op: &str) -> Option<&Command> {
        self.commands.get(op)
    }
}

/// All that is told, domain by domain, and what the gateway itself tells at the end.
fn catalogue(lives: &[&Live]) -> Vec<Entry> {
    let topics = || lives.iter().flat_map(|live| live.topics);
    let declared = lives.iter().flat_map(|live| live.events);
    let mut all: Vec<Entry> = Vec::new();
    for entry in declared
        .chain(catalogue::OWN)
        .flat_map(|event| catalogue::entries(event, topics()))
    {
        let is_known = |known: &Entry| (known.kind, known.topic) == (entry.kind, entry.topic);
        let name = format!("{} on {}", entry.kind, entry.topic);
        assert!(!all.iter().any(is_known), "{name} is declared twice");
        all.push(entry);
    }
    all
}
