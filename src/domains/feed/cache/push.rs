//! Pushes: posts are put into the timelines of their readers, of several posts in one step.

use std::time::Duration;

use redis::Pipeline;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::super::model::{FanOut, PendingPost, Timeline};
use super::TimelineCache;
use crate::infra::redis::{Away, PATIENT};

/// Timelines that are pushed to in one step, of several posts: Redis serves nobody else for that half of a
/// millisecond.
const PUSHED_AT_ONCE: usize = 128;
/// The same of a post that has more of them than that: it takes many steps, and what else its author does or
/// others do comes in between.
const OF_A_LARGE_POST: usize = 32;
/// Steps that this process has before Redis at the same time. All readers wait behind each, and would
/// behind as many as there are pending posts.
static STEPS: Semaphore = Semaphore::const_new(1);
/// The longest rest between two of them: where Redis is far, most of a step is the way there.
const REST: Duration = Duration::from_millis(2);

/// A pending post, and timelines that it belongs in.
#[derive(Debug)]
pub struct Push {
    /// The post.
    pub post: PendingPost,
    /// Where it goes.
    pub timelines: Vec<Timeline>,
    /// Whether it has arrived when it is there.
    pub is_last: bool,
}

impl Push {
    /// Of a post that fans out.
    pub fn of(fan_out: &FanOut, timelines: Vec<Timeline>, is_last: bool) -> Self {
        Self {
            post: fan_out.pending(),
            timelines,
            is_last,
        }
    }

    /// What there is to do, with at most so many timelines in each part. A post arrives with the last of them:
    /// its author's own is one.
    fn parts(&self, most: usize) -> impl Iterator<Item = Part<'_>> {
        let mut some = self.timelines.chunks(most).peekable();
        std::iter::from_fn(move || {
            let timelines = some.next()?;
            Some(Part {
                post: &self.post,
                timelines,
                arrives: self.is_last && some.peek().is_none(),
            })
        })
    }
}

/// What one step does for one post.
#[derive(Debug, PartialEq, Eq)]
struct Part<'a> {
    post: &'a PendingPost,
    timelines: &'a [Timeline],
    arrives: bool,
}

/// Cuts pushes into steps: small ones share them, and a large one has its own.
fn steps(pushes: &[Push]) -> Vec<Vec<Part<'_>>> {
    let mut steps: Vec<Vec<Part<'_>>> = Vec::new();
    let (mut step, mut room) = (Vec::new(), PUSHED_AT_ONCE);
    for push in pushes {
        if push.timelines.len() > PUSHED_AT_ONCE {
            steps.extend(push.parts(OF_A_LARGE_POST).map(|part| vec![part]));
            continue;
        }
        if push.timelines.len() > room {
            steps.push(std::mem::take(&mut step));
            room = PUSHED_AT_ONCE;
        }
        room -= push.timelines.len();
        step.extend(push.parts(PUSHED_AT_ONCE));
    }
    if !step.is_empty() {
        steps.push(step);
    }
    steps
}

impl TimelineCache<'_> {
    /// Puts pending posts into those of their timelines that there are, some at a time, and notes of each at
    /// its end that it has arrived.
    pub async fn push(&self, pushes: &[Push]) -> Result<(), Away> {
        let mut all = steps(pushes).into_iter().peekable();
        while let Some(step) = all.next() {
            let mut pipe = Pipeline::new();
            for part in step {
                self.add_part(&mut pipe, &part);
            }
            // The semaphore is never closed.
            let _step = STEPS.acquire().await.ok();
            let began = Instant::now();
            self.redis().query_within::<()>(&pipe, PATIENT).await?;
            if all.peek().is_some() {
                // Readers have Redis for as long: who has many friends is no burden to them.
                sleep(began.elapsed().min(REST)).await;
            }
        }
        Ok(())
    }

    fn add_part(&self, pipe: &mut Pipeline, part: &Part<'_>) {
        self.add_push(pipe, part.timelines, part.post.position);
        if part.arrives {
            self.add_arrived(pipe, part.post);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domains::feed::model::Reason;
    use crate::kernel::UserId;
    use crate::kernel::ids::Id as _;

    fn push(readers: usize, is_last: bool) -> Push {
        let id = |number| UserId::from_uuid(Uuid::from_u128(number));
        Push {
            post: PendingPost {
                reason: Reason::Created,
                author_id: id(1),
                position: (1, Uuid::from_u128(1)),
            },
            timelines: (0..).take(readers).map(|n| Timeline::Home(id(n))).collect(),
            is_last,
        }
    }

    /// How many timelines each part of each step pushes to, and whether its post arrives.
    fn cut(pushes: &[Push]) -> Vec<Vec<(usize, bool)>> {
        let part = |part: &Part<'_>| (part.timelines.len(), part.arrives);
        let step = |step: &Vec<Part<'_>>| step.iter().map(part).collect();
        steps(pushes).iter().map(step).collect()
    }

    #[test]
    fn small_posts_share_a_step_and_a_large_one_takes_several() {
        assert_eq!(cut(&[]), Vec::<Vec<_>>::new());
        assert_eq!(cut(&[push(0, false)]), Vec::<Vec<_>>::new());
        assert_eq!(
            cut(&[push(100, true), push(28, false), push(3, true)]),
            [vec![(100, true), (28, false)], vec![(3, true)]]
        );
        assert_eq!(
            cut(&[push(100, true), push(130, true), push(28, true)]),
            [
                vec![(32, false)],
                vec![(32, false)],
                vec![(32, false)],
                vec![(32, false)],
                vec![(2, true)],
                vec![(100, true), (28, true)]
            ]
        );
    }
}
