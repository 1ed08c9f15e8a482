//! The one round trip to Redis.

use actix_web::{HttpMessage as _, HttpRequest};
use redis::{FromRedisValue, Pipeline, Value};

use super::{Prefetched, Prefetches};
use crate::infra::cache::{Asked, Missed, Step};
use crate::infra::ratelimit::{Question, Verdict};
use crate::kernel::{SessionId, UserId};
use crate::platform::Ctx;
use crate::platform::sessions::{Bearer, SESSION, Session};

/// What is asked, in this order.
pub(super) struct Round<'a> {
    ctx: &'a Ctx,
    request: &'a HttpRequest,
    pipe: Pipeline,
    question: Option<Question>,
    step: Option<Step>,
    session: Option<Asked<(UserId, SessionId), Session>>,
    prefetched: usize,
    /// Under which epoch the prefetch was asked for.
    epoch: Option<i64>,
}

impl<'a> Round<'a> {
    /// Puts everything into one pipeline.
    pub(super) fn new(
        ctx: &'a Ctx,
        request: &'a HttpRequest,
        bearer: Option<Bearer>,
        question: Option<Question>,
    ) -> Self {
        let mut pipe = Pipeline::new();
        if let Some(question) = &question {
            ctx.limiter().ask(question, ctx.redis(), &mut pipe);
        }
        let cache = ctx.cache();
        let step = cache.ask_step(&mut pipe);
        let session = bearer.and_then(|bearer| {
            let key = (bearer.user_id, bearer.session_id);
            cache.ask(&SESSION, &key, &mut pipe)
        });
        let before = pipe.len();
        if let (Some(bearer), Some(prefetch)) = (bearer, Prefetches::of(request)) {
            (prefetch.ask)(ctx, bearer.user_id, request, &mut pipe);
        }
        Self {
            ctx,
            request,
            epoch: cache.epoch(),
            prefetched: pipe.len() - before,
            pipe,
            question,
            step,
            session,
        }
    }

    /// Asks, and takes in what was answered; says what the limits say, and whether the step had no
    /// answer.
    pub(super) async fn make(self) -> (Vec<Verdict>, bool) {
        let replies: Option<Vec<Value>> = if self.pipe.is_empty() {
            None
        } else {
            self.ctx.redis().query(&self.pipe).await.ok()
        };
        let Some(mut replies) = replies.map(Vec::into_iter) else {
            let in_doubt = self.step.is_some();
            return (self.alone(), in_doubt);
        };
        let verdicts = self.question.map(|question| {
            let told = replies.next().and_then(read).unwrap_or_default();
            self.ctx.limiter().told_by_redis(question, told)
        });
        let cache = self.ctx.cache();
        let mut in_doubt = false;
        if let Some(step) = &self.step {
            match Missed::read(&mut replies) {
                Some(missed) => cache.apply_step(step, &missed),
                None => in_doubt = true,
            }
        }
        if let Some(asked) = &self.session
            && let Some(reply) = replies.next()
        {
            cache.take(asked, reply);
        }
        // What was asked for under an epoch that has ended since is not believed.
        if self.prefetched > 0 && cache.epoch() == self.epoch {
            let prefetched = Prefetched::new(replies.collect());
            self.request.extensions_mut().insert(prefetched);
        }
        (verdicts.unwrap_or_default(), in_doubt)
    }

    fn alone(self) -> Vec<Verdict> {
        let limiter = self.ctx.limiter();
        self.question
            .map(|question| limiter.judge_alone(question))
            .unwrap_or_default()
    }
}

fn read<T: FromRedisValue>(reply: Value) -> Option<T> {
    T::from_redis_value(reply).ok()
}
