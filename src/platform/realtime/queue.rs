//! What waits for one reader: bounded, and what it may do without goes first.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::Class;
use super::close::Close;
use super::frame::{Frame, Text};
use crate::kernel::UserId;

/// Most frames that wait.
pub const MOST_FRAMES: usize = 512;
/// Most bytes that wait.
pub const MOST_BYTES: usize = 512 * 1024;

/// A queue that had room for more than this gives it back once it is empty.
const MOST_FRAMES_OF_THE_CALM: usize = 16;

/// Something that waits to be sent.
#[derive(Debug, Clone)]
pub struct Item {
    /// What is sent.
    pub text: Text,
    /// The event or the signal that it is; a reply or a word of control is none.
    pub frame: Option<Arc<Frame>>,
}

/// What is sent before the close of a queue.
#[derive(Debug)]
pub enum Before {
    /// Nothing: what waits is dropped.
    Nothing,
    /// This alone; what waits is dropped.
    Only(Item),
    /// All that waits.
    All,
}

/// What became of a frame that was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It waits, or the reader is gone.
    Waits,
    /// Something ephemeral was dropped: this frame, or one before it.
    Dropped,
    /// There is no room for what must not be lost.
    Full,
}

/// The queue of one reader.
#[derive(Debug, Default)]
pub struct Queue(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    items: VecDeque<Item>,
    bytes: usize,
    waker: Option<Waker>,
    close: Option<Close>,
    /// Whoever waits for room.
    writer: Option<Waker>,
}

impl Queue {
    /// Puts an event or a signal in. It is the caller's to [`wake`](Self::wake) the reader.
    pub fn put(&self, frame: &Arc<Frame>, reader: UserId) -> Put {
        let Some(text) = frame.text_for(reader) else {
            return Put::Waits;
        };
        let size = text.message().len();
        let mut inner = self.lock();
        if inner.close.is_some() {
            return Put::Waits;
        }
        let mut put = Put::Waits;
        if inner.is_over_half() {
            match frame.class {
                Class::State => inner.forget_state(frame),
                Class::Ephemeral if !inner.fits(size) => return Put::Dropped,
                Class::Ephemeral if inner.drop_oldest_ephemeral() => put = Put::Dropped,
                Class::Ephemeral | Class::Durable => {}
            }
        }
        while !inner.fits(size) {
            if !inner.drop_oldest_ephemeral() {
                return Put::Full;
            }
            put = Put::Dropped;
        }
        inner.add(Item {
            text: text.clone(),
            frame: Some(Arc::clone(frame)),
        });
        if inner.is_over_half() {
            // Whatever the round: whoever can take it is not to be ended for what waits.
            inner.wake();
        }
        put
    }

    /// Puts a reply or a word of control in; there is room, or the reader is told that it is slow.
    pub fn put_control(&self, text: Text) -> Put {
        let size = text.message().len();
        let mut inner = self.lock();
        if inner.close.is_some() {
            return Put::Waits;
        }
        if !inner.fits(size) && !inner.drop_oldest_ephemeral() {
            return Put::Full;
        }
        inner.add(Item { text, frame: None });
        inner.wake();
        Put::Waits
    }

    /// Wakes the reader, if they wait and something is there for them. Says whether it did.
    pub fn wake(&self) -> bool {
        let mut inner = self.lock();
        !inner.items.is_empty() && inner.wake()
    }

    /// The last thing that is sent, with what goes before it. Says whether it was the first to close.
    pub fn close(&self, close: Close, before: Before) -> bool {
        let mut inner = self.lock();
        if inner.close.is_some() {
            return false;
        }
        inner.close = Some(close);
        if !matches!(before, Before::All) {
            inner.items = VecDeque::new();
            inner.bytes = 0;
        }
        if let Before::Only(item) = before {
            inner.add(item);
        }
        inner.wake();
        if let Some(writer) = inner.writer.take() {
            writer.wake();
        }
        true
    }

    /// The next item; at the end of a closed queue its close. Nothing: `waker` is woken when there is.
    pub fn take(&self, waker: &Waker) -> Option<Result<Item, Close>> {
        let mut inner = self.lock();
        if let Some(item) = inner.pop() {
            return Some(Ok(item));
        }
        if let Some(close) = &inner.close {
            return Some(Err(close.clone()));
        }
        match &mut inner.waker {
            Some(known) if known.will_wake(waker) => {}
            slot => *slot = Some(waker.clone()),
        }
        None
    }

    /// Waits for what [`take`](Self::take) gives.
    pub async fn next(&self) -> Result<Item, Close> {
        poll_fn(|context| match self.take(context.waker()) {
            Some(next) => Poll::Ready(next),
            None => Poll::Pending,
        })
        .await
    }

    /// The next item, if one waits.
    pub fn pop(&self) -> Option<Item> {
        self.lock().pop()
    }

    /// Waits until the queue is at most half full, or closed.
    pub async fn has_room(&self) {
        poll_fn(|context| {
            let mut inner = self.lock();
            if !inner.is_over_half() || inner.close.is_some() {
                return Poll::Ready(());
            }
            inner.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Frames and bytes that wait.
    pub fn depth(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.items.len(), inner.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_over_half(&self) -> bool {
        self.items.len() > MOST_FRAMES / 2 || self.bytes > MOST_BYTES / 2
    }

    fn fits(&self, size: usize) -> bool {
        self.items.is_empty() || (self.items.len() < MOST_FRAMES && self.bytes + size <= MOST_BYTES)
    }

    fn add(&mut self, item: Item) {
        self.bytes += item.size();
        self.items.push_back(item);
    }

    fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(item.size());
        if self.items.is_empty() && self.items.capacity() > MOST_FRAMES_OF_THE_CALM {
            self.items = VecDeque::new();
        }
        if !self.is_over_half()
            && let Some(writer) = self.writer.take()
        {
            writer.wake();
        }
        Some(item)
    }

    fn wake(&mut self) -> bool {
        let waker = self.waker.take();
        let is_waiting = waker.is_some();
        waker.into_iter().for_each(Waker::wake);
        is_waiting
    }

    /// An older state of the same thing counts no more.
    fn forget_state(&mut self, frame: &Frame) {
        self.remove(|old| old.class == Class::State && old.key == frame.key);
    }

    fn drop_oldest_ephemeral(&mut self) -> bool {
        self.remove(|old| old.class == Class::Ephemeral)
    }

    fn remove(&mut self, which: impl Fn(&Frame) -> bool) -> bool {
        let is_it = |item: &Item| item.frame.as_deref().is_some_and(&which);
        let place = self.items.iter().position(is_it);
        let Some(item) = place.and_then(|place| self.items.remove(place)) else {
            return false;
        };
        self.bytes = self.bytes.saturating_sub(item.size());
        true
    }
}

impl Item {
    fn size(&self) -> usize {
        self.text.message().len()
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(queue.put(&frame(Class::Ephemeral, None, 1)), Put::Dropped);
        assert_eq!(queue.depth().0, MOST_FRAMES);
    }

    #[test]
    fn what_is_ephemeral_makes_room_for_what_is_not() {
        let queue = queue();
        assert_eq!(queue.put(&frame(Class::Ephemeral, None, 1)), Put::Waits);
        for _ in 1..MOST_FRAMES {
            queue.put(&frame(Class::Durable, None, 1));
        }
        assert_eq!(queue.put(&frame(Class::Durable, None, 1)), Put::Dropped);
        assert_eq!(queue.put(&frame(Class::Durable, None, 1)), Put::Full);
    }

    #[test]
    fn of_a_state_only_the_latest_waits_once_the_queue_is_half_full() {
        let queue = queue();
        for _ in 0..=MOST_FRAMES / 2 {
            queue.put(&frame(Class::Durable, None, 1));
        }
        for _ in 0..1_000 {
            assert_eq!(queue.put(&frame(Class::State, Some("a"), 1)), Put::Waits);
            assert_eq!(queue.put(&frame(Class::State, Some("b"), 1)), Put::Waits);
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
}
