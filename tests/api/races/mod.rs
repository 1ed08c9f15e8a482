//! Things done at once: one winner, no fault of ours, and counters that say what there is. What two
//! people ask of each other at once is in `crate::relations`, fifty reactions by fifty people in
//! `crate::reactions`.

mod accounts;
mod content;
mod relations;

use std::collections::BTreeMap;

use crate::support::{Reply, TestApp};

/// How often each answer was given. A fault of ours fails the test.
#[track_caller]
fn tally(replies: &[Reply]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for reply in replies {
        assert!(reply.status < 500, "{}: {:#}", reply.status, reply.json);
        let code = reply.json["code"].as_str().unwrap_or_default();
        *tally
            .entry(format!("{} {code}", reply.status).trim_end().to_owned())
            .or_default() += 1;
    }
    tally
}

fn counted<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    let entries = expected.map(|(answer, times)| (answer.to_owned(), times));
    entries.into_iter().collect()
}

async fn count(app: &TestApp, question: &'static str) -> i64 {
    sqlx::query_scalar(question)
        .fetch_one(&app.db)
        .await
        .expect("a count")
}
