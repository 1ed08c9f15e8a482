//! Graphs of friendships.

use std::collections::BTreeSet;

use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock as _, IdFactory};
use kith::platform::config::{Config, Sources};
use kith::seeds::{Plan, Source, run};
use sqlx::AssertSqlSafe;

use crate::support::{
    BROKEN, UNLIKELY, check, fingerprint, fixture, load, number, path, shared_data, with_database,
};

/// Twelve people, everybody friends with the next three.
fn small_graph() -> tempfile::NamedTempFile {
    let mut text = String::from("# friends\nsource target\n1 1\n2 1\n");
    for a in 0..12 {
        for step in 1..=3 {
            text = format!("{text}{a} {}\n", (a + step) % 12);
        }
    }
    fixture(&text)
}

#[tokio::test]
async fn a_graph_is_loaded_with_exact_counters() {
    with_database(|pool| async move {
        let file = small_graph();
        let report = load(
            &pool,
            &["--graph", path(file.path()), "--posts-per-user", "20"],
        )
        .await
        .expect("loaded");
        assert_eq!(report.counts["people"], 12);
        assert_eq!(report.counts["friendships"], 36);
        assert_eq!(report.counts["posts"], 240);
        let skipped: Vec<u64> = report.skipped.iter().map(|skipped| skipped.count).collect();
        assert_eq!(skipped, [1, 1], "a loop and a repetition");
        assert_eq!(number(&pool, "select count(*) from friendship").await, 72);
        for table in ["reaction", "comment", "post_audience"] {
            let sql = AssertSqlSafe(format!("select count(*) from {table}"));
            let count: i64 = sqlx::query_scalar(sql)
                .fetch_one(&pool)
                .await
                .expect("counted");
            assert!(count > 0, "{table}");
        }
        check(&pool, BROKEN).await;
        check(&pool, UNLIKELY).await;
        let voids = number(&pool, "select count(*) from cache_void").await;
        assert_eq!(voids, 1, "one row that voids whole spaces");
        let whole = "select count(*) from cache_void where 'space:post' = any(tags)";
        assert_eq!(number(&pool, whole).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_second_load_changes_nothing() {
    with_database(|pool| async move {
        let file = small_graph();
        let words = ["--graph", path(file.path())];
        let first = load(&pool, &words).await.expect("loaded");
        let before = fingerprint(&pool).await;
        let second = load(&pool, &words).await.expect("recognised");
        assert!(!first.already_loaded && second.already_loaded);
        assert_eq!(first.counts, second.counts);
        assert_eq!(fingerprint(&pool).await, before);
        let other_seed = load(&pool, &["--graph", path(file.path()), "--seed", "7"]).await;
        let refusal = other_seed.expect_err("the names are taken").to_string();
        assert!(refusal.contains("@graph.kith.example`"), "{refusal}");
        assert_eq!(fingerprint(&pool).await, before);
    })
    .await;
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows_in_another_database() {
    let file = small_graph();
    let words = ["--graph", path(file.path())];
    let mut prints = Vec::new();
    for seed_number in ["1", "1", "2"] {
        let mut print = 0;
        with_database(|pool| {
            let print = &mut print;
            async move {
                let words = [&words[..], &["--seed", seed_number]].concat();
                load(&pool, &words).await.expect("loaded");
                *print = fingerprint(&pool).await;
            }
        })
        .await;
        prints.push(print);
    }
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
}

#[tokio::test]
async fn a_malformed_line_is_named_and_loads_nothing() {
    with_database(|pool| async move {
        let file = fixture("1 2\n2 3\n3 four\n");
        let error = load(&pool, &["--graph", path(file.path())]).await;
        let message = error.expect_err("malformed").to_string();
        let place = format!("{}:3:", file.path().display());
        assert!(message.contains(&place), "{message}");
        assert_eq!(number(&pool, "select count(*) from account").await, 0);
    })
    .await;
}

#[tokio::test]
async fn production_refuses_seeds() {
    let key = IdFactory::from_os()
        .bytes::<32>()
        .map(|byte| format!("{byte:02x}"))
        .concat();
    let signing = format!("a:{key}");
    let config = Config::load(&Sources::of([
        ("KITH_ENV", "production"),
        ("KITH_JWT_KEYS", signing.as_str()),
        ("KITH_SECRET_KEY", key.as_str()),
    ]))
    .expect("valid settings");
    with_database(|pool| async move {
        let demo = Plan::of(Source::Demo);
        let refused = run(&demo, &pool, &config, SystemClock.now(), &|_| ()).await;
        let message = refused.expect_err("refused").to_string();
        assert!(message.contains("production"), "{message}");
        assert_eq!(number(&pool, "select count(*) from account").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_college_is_loaded_as_it_is() {
    real_graph("socfb-reed98/socfb-Reed98.edges", 962, 18_812).await;
}

#[tokio::test]
async fn ten_hubs_and_their_friends_are_loaded_as_they_are() {
    real_graph("ego-facebook/facebook_combined.txt", 4_039, 88_234).await;
}

async fn real_graph(name: &str, people: u64, friendships: u64) {
    let Some(file) = shared_data(name) else {
        eprintln!("skipped: KITH_SHARED_DATA names no folder with this graph");
        return;
    };
    with_database(|pool| async move {
        let report = load(&pool, &["--graph", path(&file)])
            .await
            .expect("loaded");
        println!("{report}");
        assert_eq!(report.counts["people"], people);
        assert_eq!(report.counts["friendships"], friendships);
        check(&pool, BROKEN).await;
    })
    .await;
}

#[test]
fn a_load_voids_every_space_there_is() {
    let spaces = kith::app::spaces().into_iter();
    let tags = spaces.map(|space| format!("space:{}", space.name));
    let timelines = ["space:timeline".to_owned()];
    let expected: BTreeSet<String> = tags.chain(timelines).collect();
    let voided: BTreeSet<String> = kith::seeds::store::every_space().into_iter().collect();
    assert_eq!(voided, expected);
}
