//! Rounds: the listeners of a crowded room are woken together, and what is told while a round may still
//! be at work goes with the next one, as one write for each of them.
//!
//! A write to a socket costs the kernel the same for one frame as for ten. So a busy crowd costs its
//! rounds, and not its events; whoever is told when it is quiet is told at once.

use std::time::Duration;

use tokio::time::Instant;

/// How long a round counts as at work, for each listener that it wakes. It is about four times what one
/// takes of a core, so that no room takes more than a quarter of one.
const A_LISTENER: Duration = Duration::from_micros(72);
/// Fewer listeners than these have no rounds, and none of them waits.
const A_CROWD: u32 = 32;
/// Nobody waits longer than this, however many they are: with what the round itself takes, news stay
/// within a tenth of a second.
const LONGEST: Duration = Duration::from_millis(72);

/// The rounds of a room.
#[derive(Debug, Default)]
pub struct Rounds {
    ends: Option<Instant>,
    is_due: bool,
}

/// When whoever listens is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// At once.
    Now,
    /// Then, by whoever asked.
    At(Instant),
    /// With a round that somebody else will begin.
    Due,
}

impl Rounds {
    /// When whoever listens is to be woken for what waits for them now.
    pub fn turn(&mut self, now: Instant) -> Turn {
        if self.is_due {
            return Turn::Due;
        }
        match self.ends {
            Some(ends) if ends > now => {
                self.is_due = true;
                Turn::At(ends)
            }
            _ => Turn::Now,
        }
    }

    /// So many were woken. Whoever does not take what waits for them was not, and costs nothing.
    pub fn began(&mut self, now: Instant, woken: usize) {
        let count = u32::try_from(woken).unwrap_or(u32::MAX);
        let lasts = A_LISTENER.saturating_mul(count).min(LONGEST);
        self.ends = (count >= A_CROWD).then(|| now + lasts);
        self.is_due = false;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::kernel::ids::Id as _;
    use crate::kernel::{SessionId, Timestamp, UserId};
    use crate::platform::realtime::conn::{Conn, Transport, Who};
    use crate::platform::realtime::frame::Frame;
    use crate::platform::realtime::room::{Room, Sub};
    use crate::platform::realtime::{Channel, Class, Signal};
    use crate::platform::sessions::{CurrentUser, Role};

    const CHANNEL: Channel = Channel::new("post", Uuid::nil());

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn reader(number: u64) -> Arc<Conn> {
        let address = Ipv4Addr::LOCALHOST.into();
        let conn = Conn::new(number, Transport::Poll, address, None, 1);
        conn.identify(Who {
            user: CurrentUser {
                id: UserId::from_uuid(Uuid::nil()),
                session_id: SessionId::from_uuid(Uuid::nil()),
                role: Role::User,
            },
            live: String::new(),
        });
        Arc::new(conn)
    }

    fn crowd(count: u64) -> Arc<Room> {
        let room = Room::new(CHANNEL, None, 1);
        room.lock().subs = (0..count)
            .map(|number| Sub {
                conn: reader(number),
                after: 0,
                gate: None,
                told: 0,
                is_told_who_is_there: false,
            })
            .collect();
        Arc::new(room)
    }

    fn frame() -> Arc<Frame> {
        let signal = Signal {
            channel: CHANNEL,
            kind: "x",
            class: Class::Ephemeral,
            key: None,
            actor: None,
            d: json!({}),
        };
        let now = Timestamp::from_micros(0).expect("1970");
        Arc::new(Frame::signal(&signal, now).expect("a frame"))
    }

    /// Everybody takes what there is for them, and waits for more.
    fn take(room: &Room, waker: &Waker) -> usize {
        let state = room.lock();
        let queues = state.subs.iter().map(|sub| &sub.conn.queue);
        queues
            .map(|queue| std::iter::from_fn(|| queue.take(waker)).count())
            .sum()
    }

    /// What a crowd of so many is woken for: at once by the first of three events, with the others at
    /// the end of the round, and how much they take then. A machine that was busy elsewhere tries again.
    async fn wakes(count: u64) -> (usize, usize, usize) {
        for _ in 0..100 {
            let (room, woken) = (crowd(count), Arc::new(Woken::default()));
            let waker = Waker::from(Arc::clone(&woken));
            let so_far = || woken.0.swap(0, Ordering::Relaxed);
            take(&room, &waker);
            let begin = Instant::now();
            room.pass(frame(), None, 1);
            take(&room, &waker);
            room.pass(frame(), None, 1);
            room.pass(frame(), None, 1);
            let at_once = so_far();
            if begin.elapsed() > Duration::from_millis(20) {
                continue;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            return (at_once, so_far(), take(&room, &waker));
        }
        panic!("this machine is busy");
    }

    #[tokio::test]
    async fn a_crowd_is_woken_once_for_all_that_comes_during_a_round() {
        assert_eq!(wakes(1_000).await, (1_000, 1_000, 2_000));
    }

    #[tokio::test]
    async fn a_few_are_woken_at_once() {
        assert_eq!(wakes(10).await, (20, 0, 20));
    }

    #[test]
    fn a_crowd_is_woken_once_for_what_comes_during_a_round() {
        let (mut rounds, begin) = (Rounds::default(), Instant::now());
        assert_eq!(rounds.turn(begin), Turn::Now);
        rounds.began(begin, 500);
        let next = begin + Duration::from_millis(36);
        assert_eq!(rounds.turn(begin), Turn::At(next));
        assert_eq!(rounds.turn(begin + Duration::from_millis(35)), Turn::Due);
        rounds.began(next, 500);
        assert_eq!(rounds.turn(next + Duration::from_millis(36)), Turn::Now);
    }

    #[test]
    fn a_few_are_always_woken_at_once_and_nobody_waits_long() {
        let (mut rounds, begin) = (Rounds::default(), Instant::now());
        rounds.began(begin, 31);
        assert_eq!(rounds.turn(begin), Turn::Now);
        rounds.began(begin, 1_000_000);
        assert_eq!(rounds.turn(begin), Turn::At(begin + LONGEST));
    }
}
