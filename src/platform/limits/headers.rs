//! How a caller is told: the headers of an answer, and the refusal.

use std::cmp::Reverse;
use std::fmt::Write as _;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::infra::ratelimit::Verdict;
use crate::kernel::{Code, Error};

/// The headers, with what each says.
pub const HEADERS: [(&str, &str); 5] = [
    (
        "RateLimit",
        "For each limit that was asked: its name, how many calls it still allows (`r`), and seconds until it allows more (`t`)",
    ),
    (
        "RateLimit-Policy",
        "For each limit that was asked: its name, its quota (`q`), and its window in seconds (`w`)",
    ),
    ("X-RateLimit-Limit", "The quota of the tightest limit"),
    (
        "X-RateLimit-Remaining",
        "How many calls the tightest limit still allows",
    ),
    (
        "X-RateLimit-Reset",
        "Seconds until the tightest limit allows more",
    ),
];

/// What the limiter said to a request.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a>(pub &'a [Verdict]);

impl Told<'_> {
    /// The refusal, if any limit refuses. After the time that it names, the call passes.
    pub fn refusal(self) -> Option<Error> {
        let refusing = self.0.iter().filter(|verdict| !verdict.state.allowed);
        let last = refusing.max_by_key(|verdict| verdict.state.reset_ms)?;
        let seconds = u32::try_from(seconds(last.state.reset_ms));
        let seconds = seconds.unwrap_or(u32::MAX).max(1);
        let name = last.check.policy.name;
        let detail = format!(
            "There were too many requests: the limit `{name}` is used up. Try again after {seconds} seconds."
        );
        Some(Error::new(Code::RateLimited, detail).with_retry_after(seconds))
    }

    /// Adds the headers.
    pub fn add_to(self, headers: &mut HeaderMap) {
        let Some(tightest) = self.tightest() else {
            return;
        };
        let (mut now, mut policy) = (String::new(), String::new());
        for verdict in self.by_policy() {
            let comma = if now.is_empty() { "" } else { ", " };
            let (name, state) = (verdict.check.policy.name, verdict.state);
            let (left, wait) = (state.remaining, seconds(state.reset_ms));
            let (quota, window) = (verdict.figures.quota, verdict.figures.window.as_secs());
            // Writing to a String cannot fail.
            write!(now, "{comma}\"{name}\";r={left};t={wait}").unwrap_or_default();
            write!(policy, "{comma}\"{name}\";q={quota};w={window}").unwrap_or_default();
        }
        let (state, quota) = (tightest.state, tightest.figures.quota);
        let values = [
            now,
            policy,
            quota.to_string(),
            state.remaining.to_string(),
            seconds(state.reset_ms).to_string(),
        ];
        for ((name, _), value) in HEADERS.iter().zip(values) {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
    }

    /// A policy that counted the request twice, by account and by address, says the tighter.
    fn by_policy(&self) -> Vec<&Verdict> {
        let mut told: Vec<&Verdict> = Vec::with_capacity(self.0.len());
        for verdict in self.0 {
            let name = verdict.check.policy.name;
            let same = told.iter_mut().find(|one| one.check.policy.name == name);
            match same {
                Some(one) if tightness(verdict) < tightness(one) => *one = verdict,
                Some(_) => {}
                None => told.push(verdict),
            }
        }
        told
    }

    fn tightest(&self) -> Option<&Verdict> {
        self.0.iter().min_by_key(|verdict| tightness(verdict))
    }
}

/// Least for the limit that refuses for longest, else for the one with the fewest calls left.
fn tightness(verdict: &Verdict) -> (bool, u32, Reverse<u64>) {
    let state = verdict.state;
    (state.allowed, state.remaining, Reverse(state.reset_ms))
}

/// Whole seconds, never fewer than it takes.
fn seconds(millis: u64) -> u64 {
    millis.div_ceil(1_000)
}
