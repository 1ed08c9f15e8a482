//! What is dropped, what is kept and who is woken.

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::kernel::Timestamp;
use crate::kernel::ids::Id as _;
use crate::platform::realtime::{Channel, Signal};

fn frame(class: Class, key: Option<&str>, size: usize) -> Arc<Frame> {
    let signal = Signal {
        channel: Channel::new("conv", Uuid::nil()),
        kind: "x",
        class,
        key: key.map(str::to_owned),
        actor: None,
        d: json!("x".repeat(size)),
    };
    let now = Timestamp::from_micros(0).expect("1970");
    Arc::new(Frame::signal(&signal, now).expect("a frame"))
}

struct Reading(Queue);

impl std::ops::Deref for Reading {
    type Target = Queue;
    fn deref(&self) -> &Queue {
        &self.0
    }
}

impl Reading {
    fn put(&self, frame: &Arc<Frame>) -> Put {
        self.0.put(frame, UserId::from_uuid(Uuid::nil()))
    }
}

fn queue() -> Reading {
    Reading(Queue::default())
}

#[test]
fn nothing_durable_is_dropped_and_a_full_queue_says_so() {
    let queue = queue();
    for _ in 0..MOST_FRAMES {
        assert_eq!(queue.put(&frame(Class::Durable, None, 1)), Put::Waits);
    }
    assert_eq!(queue.put(&frame(Class::Durable, None, 1)), Put::Full);
    assert_eq!(
        queue.put(&frame(Class::Ephemeral, None, 1)),
        Put::Dropped(Class::Ephemeral)
    );
    assert_eq!(queue.depth().0, MOST_FRAMES);
}

#[test]
fn what_is_ephemeral_makes_room_for_what_is_not() {
    let queue = queue();
    assert_eq!(queue.put(&frame(Class::Ephemeral, None, 1)), Put::Waits);
    for _ in 1..MOST_FRAMES {
        queue.put(&frame(Class::Durable, None, 1));
    }
    assert_eq!(
        queue.put(&frame(Class::Durable, None, 1)),
        Put::Dropped(Class::Ephemeral)
    );
    assert_eq!(queue.put(&frame(Class::Durable, None, 1)), Put::Full);
}

#[test]
fn of_a_state_only_the_latest_waits_once_the_queue_is_half_full() {
    let queue = queue();
    for _ in 0..=MOST_FRAMES / 2 {
        queue.put(&frame(Class::Durable, None, 1));
    }
    for key in ["a", "b"] {
        assert_eq!(queue.put(&frame(Class::State, Some(key), 1)), Put::Waits);
    }
    for key in ["a", "b"].repeat(1_000) {
        let put = queue.put(&frame(Class::State, Some(key), 1));
        assert_eq!(put, Put::Dropped(Class::State));
    }
    assert_eq!(queue.depth().0, MOST_FRAMES / 2 + 3);
}

#[test]
fn bytes_are_bounded_too() {
    let queue = queue();
    let big = frame(Class::Durable, None, 100_000);
    for _ in 0..5 {
        assert_eq!(queue.put(&big), Put::Waits);
    }
    assert_eq!(queue.put(&big), Put::Full);
    let waker = std::task::Waker::noop();
    while let Some(Ok(_item)) = queue.take(waker) {}
    assert_eq!(queue.depth(), (0, 0));
}

#[test]
fn a_reply_has_its_size_counted_whatever_makes_room_for_it() {
    let queue = queue();
    queue.put(&frame(Class::Ephemeral, None, 10));
    for _ in 0..5 {
        queue.put(&frame(Class::Durable, None, 100_000));
    }
    let reply = || Text::new("x".repeat(100_000).as_bytes());
    assert_eq!(queue.0.put_control(reply()), Put::Full);
    assert!(queue.depth().1 <= MOST_BYTES);
}

#[tokio::test]
async fn all_who_wait_for_room_are_told_of_it() {
    let queue = Arc::new(Queue::default());
    let reader = UserId::from_uuid(Uuid::nil());
    for _ in 0..=MOST_FRAMES / 2 {
        queue.put(&frame(Class::Durable, None, 1), reader);
    }
    let wait = |queue: &Arc<Queue>| {
        let queue = Arc::clone(queue);
        tokio::spawn(async move { queue.has_room().await })
    };
    let (one, other) = (wait(&queue), wait(&queue));
    tokio::task::yield_now().await;
    assert!(!one.is_finished() && !other.is_finished());
    queue.pop();
    let both = async { (one.await, other.await) };
    let both = tokio::time::timeout(std::time::Duration::from_secs(5), both).await;
    assert!(both.is_ok());
}

#[test]
fn a_closed_queue_ends_with_its_close_and_takes_nothing_more() {
    let queue = queue();
    queue.put(&frame(Class::Durable, None, 1));
    assert!(queue.close(Close::TOO_SLOW, Before::Nothing));
    assert!(
        !queue.close(Close::REVOKED, Before::Nothing),
        "the first counts"
    );
    queue.put(&frame(Class::Durable, None, 1));
    let next = queue.take(std::task::Waker::noop());
    assert!(matches!(next, Some(Err(close)) if close.code == 4104));
}

#[test]
fn the_last_word_goes_before_the_close_and_what_waits_does_not() {
    let queue = queue();
    queue.put(&frame(Class::Durable, None, 1));
    let text = Text::new(b"the last word");
    let item = Item { text, frame: None };
    assert!(queue.close(Close::REVOKED, Before::Only(item)));
    let waker = std::task::Waker::noop();
    let next = queue.take(waker);
    assert!(matches!(next, Some(Ok(item)) if *item.text.json() == *b"the last word"));
    let next = queue.take(waker);
    assert!(matches!(next, Some(Err(close)) if close.code == 4007));
}
