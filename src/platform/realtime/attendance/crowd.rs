//! Those who listen to a channel, and how their coming and going is told.

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kernel::{Result, Timestamp, UserId};
use crate::platform::realtime::conn::{Conn, Transport};
use crate::platform::realtime::frame::Frame;
use crate::platform::realtime::room::{Room, State, Sub};
use crate::platform::realtime::{Attendance, Channel, Signal};

/// Most people who are named to each other.
pub const MOST_NAMED: usize = 200;
/// Most of them whose coming or going is told one by one in a round; when more do, all are named anew.
const MOST_STEPS: usize = 10;

const JOINED: &str = "room.joined";
const LEFT: &str = "room.left";
const COUNT: &str = "room.count";

/// Those who are there, on one instance or on all together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crowd {
    /// How many.
    #[serde(rename = "n")]
    count: usize,
    /// Who, in their order, while they are few.
    #[serde(rename = "p")]
    people: Option<Vec<UserId>>,
}

impl Default for Crowd {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl Crowd {
    /// These people, of whom some may be named twice.
    fn of(mut people: Vec<UserId>) -> Self {
        people.sort_unstable();
        people.dedup();
        Self {
            count: people.len(),
            people: Some(people).filter(|people| people.len() <= MOST_NAMED),
        }
    }

    /// Whether nobody is there.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Both together. Whoever is in two crowds that are too big to be named counts twice.
    #[must_use]
    pub fn with(self, other: &Self) -> Self {
        match (self.people, &other.people) {
            (Some(mut people), Some(others)) => {
                people.extend(others);
                Self::of(people)
            }
            _ => Self {
                count: self.count + other.count,
                people: None,
            },
        }
    }
}

impl Sub {
    /// Whether this listener counts as there: let in, and seen where people are named.
    pub fn is_there(&self, attendance: Attendance) -> bool {
        self.gate.is_none() && sees(&self.conn, attendance)
    }
}

/// Where people are named, those who hide that they are there are not, and learn of nobody.
fn sees(conn: &Conn, attendance: Attendance) -> bool {
    attendance != Attendance::Named || conn.sight().shows_presence
}

impl State {
    /// Who is there on this instance, or was a moment ago.
    pub fn here(&mut self, attendance: Attendance, now: u64) -> Crowd {
        self.lingering.retain(|_, until| *until > now);
        let subs = self.subs.iter().filter(|sub| sub.is_there(attendance));
        let people = subs.filter_map(|sub| sub.conn.user_id());
        Crowd::of(people.chain(self.lingering.keys().copied()).collect())
    }
}

/// How listeners learn of what they have been told of before.
enum Step {
    /// Nothing is new to them.
    Nothing,
    /// These have come and gone, a frame each.
    Each(Vec<Arc<Frame>>),
    /// All that there is to say.
    All,
}

impl Room {
    /// Tells listeners of each other: who is here, and who is on other instances, or was when that was
    /// known last.
    pub fn tell_who_is_there(
        &self,
        elsewhere: Option<Crowd>,
        now: u64,
        at: Timestamp,
    ) -> Result<()> {
        let Some(topic) = self.topic else {
            return Ok(());
        };
        let attendance = topic.attendance;
        let mut state = self.lock();
        if let Some(elsewhere) = elsewhere {
            state.elsewhere = elsewhere;
        }
        let mut crowd = state.here(attendance, now).with(&state.elsewhere);
        if attendance == Attendance::Counted {
            crowd.people = None;
        }
        let step = step(&self.channel, &state.attended, &crowd, at)?;
        let whole = Arc::new(whole(&self.channel, &crowd, &HashSet::new(), at)?);
        for sub in &mut state.subs {
            if !sub.is_there(attendance) {
                sub.is_told_who_is_there = false;
                continue;
            }
            // The next poll of a client is not news to it: it is told when something changes.
            let is_new = !std::mem::replace(&mut sub.is_told_who_is_there, true)
                && sub.conn.transport != Transport::Poll;
            let frames: &[Arc<Frame>] = match &step {
                Step::All => std::slice::from_ref(&whole),
                _ if is_new => std::slice::from_ref(&whole),
                Step::Nothing => continue,
                Step::Each(_) if sub.conn.transport == Transport::Poll => {
                    std::slice::from_ref(&whole)
                }
                Step::Each(frames) => frames,
            };
            give(&self.channel, &sub.conn, &crowd, frames, (now, at))?;
        }
        state.attended = crowd;
        Ok(())
    }
}

/// Sends a listener what concerns those whom they may see.
fn give(
    channel: &Channel,
    conn: &Conn,
    crowd: &Crowd,
    frames: &[Arc<Frame>],
    (now, at): (u64, Timestamp),
) -> Result<()> {
    let sight = conn.sight();
    for frame in frames {
        let hides = |user_id: &UserId| sight.hidden.contains(user_id);
        match (frame.actor, &crowd.people) {
            (Some(actor), _) if hides(&actor) => {}
            (None, Some(people)) if people.iter().any(hides) => {
                let own = whole(channel, crowd, &sight.hidden, at)?;
                conn.put(&Arc::new(own), now);
            }
            _ => conn.put(frame, now),
        }
    }
    Ok(())
}

fn step(channel: &Channel, before: &Crowd, after: &Crowd, at: Timestamp) -> Result<Step> {
    if before == after {
        return Ok(Step::Nothing);
    }
    let (Some(old), Some(new)) = (&before.people, &after.people) else {
        return Ok(Step::All);
    };
    let without = |all: &[UserId], others: &[UserId]| -> Vec<UserId> {
        let others = |id: &UserId| others.binary_search(id).is_err();
        all.iter().copied().filter(others).collect()
    };
    let (joined, left) = (without(new, old), without(old, new));
    if joined.len() + left.len() > MOST_STEPS {
        return Ok(Step::All);
    }
    let joined = joined.into_iter().map(|user_id| (JOINED, user_id));
    let left = left.into_iter().map(|user_id| (LEFT, user_id));
    let frames = joined.chain(left).map(|(kind, user_id)| {
        let signal = Signal::state(channel.clone(), kind, json!({"user_id": user_id}));
        Frame::signal(&signal.keyed(&user_id).by(user_id), at).map(Arc::new)
    });
    Ok(Step::Each(frames.collect::<Result<_>>()?))
}

/// How many there are, and who where they are named, less those whom a reader may not see.
fn whole(
    channel: &Channel,
    crowd: &Crowd,
    hidden: &HashSet<UserId>,
    at: Timestamp,
) -> Result<Frame> {
    let d: Value = match &crowd.people {
        Some(people) => {
            let seen = people.iter().filter(|id| !hidden.contains(id));
            let seen: Vec<&UserId> = seen.collect();
            json!({"count": seen.len(), "user_ids": seen})
        }
        None => json!({"count": crowd.count}),
    };
    Frame::signal(&Signal::state(channel.clone(), COUNT, d), at)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use uuid::Uuid;

    use super::*;
    use crate::kernel::SessionId;
    use crate::kernel::ids::Id as _;
    use crate::platform::realtime::conn::Who;
    use crate::platform::realtime::{Sight, Topic};
    use crate::platform::sessions::{CurrentUser, Role};

    fn person(number: usize) -> UserId {
        UserId::from_uuid(Uuid::from_u128(u128::try_from(number).expect("a number")))
    }

    fn room() -> Room {
        let topic = Topic {
            attendance: Attendance::Named,
            ..Topic::new("conv", |_, _, _| Box::pin(async { Ok(()) }))
        };
        Room::new(Channel::new("conv", Uuid::nil()), Some(topic), 1)
    }

    /// A listener who was let in.
    fn come(room: &Room, number: usize, transport: Transport) -> Arc<Conn> {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let id = u64::try_from(number).expect("a number");
        let conn = Arc::new(Conn::new(id, transport, address, None, 1));
        let user = CurrentUser {
            id: person(number),
            session_id: SessionId::from_uuid(Uuid::nil()),
            role: Role::User,
        };
        let live = String::new();
        conn.identify(Who { user, live });
        conn.set_sight(&Arc::new(Sight {
            shows_presence: true,
            ..Sight::default()
        }));
        room.lock().subs.push(Sub {
            conn: Arc::clone(&conn),
            after: 0,
            gate: None,
            told: 0,
            is_told_who_is_there: false,
        });
        conn
    }

    fn go(room: &Room, number: usize) {
        let user_id = person(number);
        room.lock()
            .remove(0, |conn| conn.user_id() == Some(user_id));
    }

    fn tell(room: &Room) {
        let at = Timestamp::from_micros(0).expect("1970");
        room.tell_who_is_there(None, 1, at).expect("told");
    }

    /// What a listener was told: the kinds, and what the last one holds.
    fn told(conn: &Conn) -> (Vec<String>, Value) {
        let (mut kinds, mut last) = (Vec::new(), Value::Null);
        while let Some(Ok(item)) = conn.queue.take(std::task::Waker::noop()) {
            let frame: Value = serde_json::from_slice(&item.text.json()).expect("JSON");
            kinds.push(frame["t"].as_str().expect("a kind").to_owned());
            last = frame["d"].clone();
        }
        (kinds, last)
    }

    #[test]
    fn two_hundred_are_named_and_more_are_counted() {
        let room = room();
        let conns: Vec<_> = (0..MOST_NAMED)
            .map(|number| come(&room, number, Transport::Socket))
            .collect();
        tell(&room);
        for conn in &conns {
            let (kinds, d) = told(conn);
            assert_eq!(kinds, [COUNT]);
            assert_eq!(d["count"], MOST_NAMED);
            assert_eq!(d["user_ids"].as_array().map(Vec::len), Some(MOST_NAMED));
        }
        let last = come(&room, MOST_NAMED, Transport::Socket);
        tell(&room);
        for conn in conns.iter().chain([&last]) {
            let count = json!({"count": MOST_NAMED + 1});
            assert_eq!(told(conn), (vec![COUNT.to_owned()], count));
        }
        tell(&room);
        assert!(conns.iter().all(|conn| told(conn).0.is_empty()), "once");
        go(&room, 7);
        tell(&room);
        let (kinds, d) = told(conns.first().expect("one"));
        assert_eq!(kinds, [COUNT]);
        assert_eq!(d["user_ids"].as_array().map(Vec::len), Some(MOST_NAMED));
    }

    #[test]
    fn few_are_told_one_by_one_and_many_in_one() {
        let room = room();
        let first = come(&room, 0, Transport::Socket);
        tell(&room);
        told(&first);
        come(&room, 1, Transport::Socket);
        come(&room, 2, Transport::Socket);
        tell(&room);
        let (kinds, d) = told(&first);
        assert_eq!(kinds, [JOINED, JOINED]);
        assert_eq!(d, json!({"user_id": person(2)}));
        go(&room, 1);
        // Another device of somebody is nobody else.
        come(&room, 2, Transport::Socket);
        tell(&room);
        assert_eq!(
            told(&first),
            (vec![LEFT.to_owned()], json!({"user_id": person(1)}))
        );
        for number in 10..=10 + MOST_STEPS {
            come(&room, number, Transport::Socket);
        }
        tell(&room);
        let (kinds, d) = told(&first);
        assert_eq!(kinds, [COUNT]);
        assert_eq!(d["count"], 3 + MOST_STEPS);
    }

    #[test]
    fn thousands_who_come_cost_each_listener_one_number_a_round() {
        let (room, mut conns) = (room(), Vec::new());
        for round in 1..=50 {
            let coming = conns.len()..round * 100;
            conns.extend(coming.map(|number| come(&room, number, Transport::Socket)));
            tell(&room);
            for conn in &conns {
                let told = conn.queue.pop().expect("a number");
                let is_short = round <= 2 || told.text.json().len() < 200;
                assert!(is_short && conn.queue.depth().0 == 0, "{round}");
            }
        }
    }

    #[test]
    fn the_next_poll_of_a_client_is_not_told_what_it_knows() {
        let room = room();
        come(&room, 0, Transport::Socket);
        tell(&room);
        let first = come(&room, 1, Transport::Poll);
        tell(&room);
        assert_eq!(told(&first).0, [COUNT], "somebody has come");
        // It goes and comes back, and counts as there meanwhile.
        room.lock().lingering.insert(person(1), 100);
        go(&room, 1);
        tell(&room);
        let next = come(&room, 1, Transport::Poll);
        tell(&room);
        assert!(told(&next).0.is_empty());
        come(&room, 2, Transport::Socket);
        tell(&room);
        let (kinds, d) = told(&next);
        assert_eq!(
            (kinds.as_slice(), &d["count"]),
            ([COUNT.to_owned()].as_slice(), &json!(3))
        );
    }

    #[test]
    fn crowds_of_few_are_put_together_by_their_people() {
        let crowd = |numbers: std::ops::Range<usize>| Crowd::of(numbers.map(person).collect());
        assert_eq!(crowd(0..3).with(&crowd(2..5)), crowd(0..5));
        assert_eq!(crowd(0..150).with(&crowd(100..251)).count, 251);
        assert_eq!(
            crowd(0..201).with(&crowd(0..3)).count,
            204,
            "who they are is not known"
        );
        assert!(Crowd::default().is_empty());
    }
}
