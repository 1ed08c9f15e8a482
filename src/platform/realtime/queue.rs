//! What waits for one reader: bounded, and what it may do without goes first.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::Class;
use super::close::Close;
use super::figures;
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
    /// Something of this class was dropped: this frame, or one before it.
    Dropped(Class),
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
    /// Those who wait for room: several replays may go to one reader.
    writers: Vec<Waker>,
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
                Class::State if inner.forget_state(frame) => put = Put::Dropped(Class::State),
                Class::Ephemeral if !inner.fits(size) => {
                    figures::dropped(Class::Ephemeral);
                    return Put::Dropped(Class::Ephemeral);
                }
                Class::Ephemeral if inner.drop_oldest_ephemeral() => {
                    put = Put::Dropped(Class::Ephemeral);
                }
                Class::State | Class::Ephemeral | Class::Durable => {}
            }
        }
        while !inner.fits(size) {
            if !inner.drop_oldest_ephemeral() {
                return Put::Full;
            }
            put = Put::Dropped(Class::Ephemeral);
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

    /// Puts a reply or a word of control in. Without room for it the caller decides whether that ends the
    /// connection.
    pub fn put_control(&self, text: Text) -> Put {
        let size = text.message().len();
        let mut inner = self.lock();
        if inner.close.is_some() {
            return Put::Waits;
        }
        while !inner.fits(size) {
            if !inner.drop_oldest_ephemeral() {
                return Put::Full;
            }
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
        inner.wake_writers();
        true
    }

    /// The next item; at the end of a closed queue its close. `None` means that nothing waits; `waker` is
    /// woken when something does.
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
            if !(inner.writers.iter()).any(|known| known.will_wake(context.waker())) {
                inner.writers.push(context.waker().clone());
            }
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
        if !self.is_over_half() {
            self.wake_writers();
        }
        Some(item)
    }

    fn wake(&mut self) -> bool {
        let waker = self.waker.take();
        let is_waiting = waker.is_some();
        waker.into_iter().for_each(Waker::wake);
        is_waiting
    }

    fn wake_writers(&mut self) {
        take(&mut self.writers).into_iter().for_each(Waker::wake);
    }

    /// An older state of the same thing counts no more. Says whether there was one.
    fn forget_state(&mut self, frame: &Frame) -> bool {
        self.remove(|old| old.class == Class::State && old.key == frame.key)
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
        // Whatever it makes room for.
        item.frame
            .iter()
            .for_each(|old| figures::dropped(old.class));
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
mod tests;
