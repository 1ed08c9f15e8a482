//! What a request cost, told in headers: `Server-Timing` and `Cache-Status`.

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::infra::meter::{Asked, Layer, Meter, Spent, are_statements_counted};

/// The cost in SQL, Redis, cache and time.
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// How the cache took part (RFC 9211).
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Whether everybody may see what a request costs, and not staff alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OpenCosts(pub bool);

/// Puts `Server-Timing` on a response.
pub(super) fn tell_timing(headers: &mut HeaderMap, meter: &Meter, total: Duration) {
    let mut text = String::with_capacity(96);
    if are_statements_counted() {
        add_calls(&mut text, "sql", meter.sql());
    }
    add_calls(&mut text, "redis", meter.redis());
    let asked = meter.cache();
    if !asked.is_empty() {
        add_cache(&mut text, &asked);
    }
    put(&mut text, format_args!("total;dur={:.2}", millis(total)));
    set(headers, SERVER_TIMING, &text);
}

/// Puts `Cache-Status` on the response of a read that asked the cache. It speaks for the whole
/// answer, and an answer is what its weakest part is.
pub(super) fn tell_cache(headers: &mut HeaderMap, meter: &Meter) {
    let asked = meter.cache();
    let Some(weakest) = asked.iter().map(|asked| asked.layer).max() else {
        return;
    };
    match weakest {
        Layer::L1 => set(headers, CACHE_STATUS, "kith; hit; detail=l1"),
        Layer::L2 => set(headers, CACHE_STATUS, "kith; hit; detail=l2"),
        Layer::Miss => set(headers, CACHE_STATUS, "kith; fwd=miss"),
        Layer::Stale => {
            let stale = asked.iter().filter(|asked| asked.layer == Layer::Stale);
            let ttl = stale.filter_map(|asked| asked.ttl).min();
            // What is past its time without a figure is so by a second at least.
            let ttl = ttl.unwrap_or(-1).min(-1);
            let text = format!("kith; hit; ttl={ttl}; detail=stale");
            set(headers, CACHE_STATUS, &text);
        }
    }
}

fn add_calls(text: &mut String, name: &str, spent: Spent) {
    let (count, time) = (spent.count, millis(spent.time));
    let entry = format_args!("{name};desc=\"{count}\";dur={time:.2}, ");
    put(text, entry);
}

/// `cache;desc="post l1=19 miss=1, user l1=12"`, spaces in the order they were asked in.
fn add_cache(text: &mut String, asked: &[Asked]) {
    text.push_str("cache;desc=\"");
    for (at, first) in asked.iter().enumerate() {
        let of_the_space = |asked: &&Asked| asked.space == first.space;
        if asked.iter().position(|asked| of_the_space(&asked)) != Some(at) {
            continue;
        }
        let comma = if at == 0 { "" } else { ", " };
        put(text, format_args!("{comma}{}", first.space));
        for row in asked.iter().filter(of_the_space) {
            put(
                text,
                format_args!(" {}={}", row.layer.as_str(), row.entries),
            );
        }
    }
    text.push_str("\", ");
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn put(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    text.write_fmt(what).unwrap_or_default();
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::meter::{cache, redis, scope};

    async fn told(work: impl Future<Output = ()>) -> (Option<String>, String) {
        let meter = Meter::default();
        scope(meter.clone(), work).await;
        let mut headers = HeaderMap::new();
        tell_cache(&mut headers, &meter);
        tell_timing(&mut headers, &meter, Duration::from_micros(2_500));
        let text = |name| Some(headers.get(name)?.to_str().ok()?.to_owned());
        (text(CACHE_STATUS), text(SERVER_TIMING).unwrap_or_default())
    }

    #[tokio::test]
    async fn an_answer_is_what_its_weakest_part_is() {
        assert_eq!(told(async {}).await.0, None);
        let status = async |layers: &[(Layer, Option<i64>)]| {
            let asking = async {
                for (layer, ttl) in layers {
                    cache("post", Layer::L1, 1, Some(9));
                    cache("user", *layer, 1, *ttl);
                }
            };
            told(asking).await.0.expect("a status")
        };
        let hit = status(&[(Layer::L1, Some(3))]).await;
        assert_eq!(hit, "kith; hit; detail=l1");
        let hit = status(&[(Layer::L2, None)]).await;
        assert_eq!(hit, "kith; hit; detail=l2");
        let miss = status(&[(Layer::Miss, None), (Layer::L2, None)]).await;
        assert_eq!(miss, "kith; fwd=miss");
        let stale = status(&[(Layer::Stale, Some(-7)), (Layer::Miss, None)]).await;
        assert_eq!(stale, "kith; hit; ttl=-7; detail=stale");
        let unknown = status(&[(Layer::Stale, None)]).await;
        assert_eq!(unknown, "kith; hit; ttl=-1; detail=stale");
    }

    #[tokio::test]
    async fn the_timing_names_each_space_once() {
        let (_, timing) = told(async {
            redis(Duration::from_micros(300));
            cache("post", Layer::L1, 19, None);
            cache("user", Layer::L1, 12, None);
            cache("post", Layer::Miss, 1, None);
        })
        .await;
        let expected = "redis;desc=\"1\";dur=0.30, \
                        cache;desc=\"post l1=19 miss=1, user l1=12\", total;dur=2.50";
        assert!(timing.ends_with(expected), "{timing}");
    }
}
