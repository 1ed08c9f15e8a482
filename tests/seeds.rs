//! Seeds on a real Postgres: all or nothing, twice is once, counters as a recount finds them.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args as _, Command, FromArgMatches as _};
use futures_util::FutureExt as _;
use kith::domains::{comments, posts, reactions, users};
use kith::infra::db::MIGRATOR;
use kith::kernel::clock::SystemClock;
use kith::kernel::{Clock as _, IdFactory};
use kith::platform::config::{Config, Sources};
use kith::seeds::{Report, SeedArgs, run, seed};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

/// The instant that tests take for the present.
const AT: &str = "2026-11-01T00:00:00Z";

async fn with_database<Fut: Future<Output = ()>>(test: impl FnOnce(PgPool) -> Fut) {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL names a server");
    let options = PgConnectOptions::from_str(&url).expect("a URL of Postgres");
    let tag = u64::from_be_bytes(IdFactory::from_os().bytes());
    let name = format!("kith_seeds_test_{tag:016x}");
    let mut admin = PgConnection::connect_with(&options)
        .await
        .expect("connected");
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut admin)
        .await
        .expect("created");
    let body = async {
        let pool = PgPool::connect_with(options.clone().database(&name))
            .await
            .expect("connected");
        MIGRATOR.run(&pool).await.expect("migrated");
        test(pool).await;
    };
    let result = AssertUnwindSafe(body).catch_unwind().await;
    sqlx::query(AssertSqlSafe(format!("drop database {name} with (force)")))
        .execute(&mut admin)
        .await
        .expect("dropped");
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn args(words: &[&str]) -> SeedArgs {
    let words = ["seed"].iter().chain(words).chain(&["--at", AT]);
    let matches = SeedArgs::augment_args(Command::new("seed"))
        .try_get_matches_from(words)
        .expect("valid arguments");
    SeedArgs::from_arg_matches(&matches).expect("valid arguments")
}

async fn load(pool: &PgPool, words: &[&str]) -> anyhow::Result<Report> {
    seed(&args(words), pool, SystemClock.now(), &|_| ()).await
}

async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(pool)
        .await
        .unwrap_or_else(|fault| panic!("{sql}: {fault}"))
}

/// All that was loaded, as one number: equal only if every row is.
async fn fingerprint(pool: &PgPool) -> i64 {
    number(
        pool,
        "select hashtextextended(sum(hashtextextended(line, 0))::text, 0) from (
             select a::text as line from account a union all select f::text from friendship f
             union all select p::text from post p union all select c::text from comment c
             union all select r::text from reaction r union all select u::text from user_counter u
             union all select x::text from post_audience x union all select t::text from circle t
         ) as everything",
    )
    .await
}

/// Rules that hold after every load: each of these counts rows that break one.
const BROKEN: &[&str] = &[
    "select count(*) from (
         select p.post_id, coalesce(c.count, 0)::int as comments, coalesce(s.count, 0)::int as shares
         from post p
         left join (select post_id, count(*) from comment where deleted_at is null group by 1) c using (post_id)
         left join (select shared_post_id as post_id, count(*) from post where deleted_at is null group by 1) s
             using (post_id)
         except select post_id, comments, shares from post_counter
     ) as wrong",
    "select count(*) from comment_counter k
     where k.replies <> (select count(*) from comment c where c.parent_id = k.comment_id and c.deleted_at is null)",
    "select count(*) from comment c where not exists (select from comment_counter k where k.comment_id = c.comment_id)",
    "select count(*) from (select target_kind, target_id, kind, count(*)::int from reaction group by 1, 2, 3
                           except select target_kind, target_id, kind, count from reaction_summary) as missing",
    "select count(*) from (select target_kind, target_id, kind, count from reaction_summary
                           except select target_kind, target_id, kind, count(*)::int from reaction group by 1, 2, 3) as surplus",
    "select count(*) from friendship f
     where not exists (select from friendship o where o.user_id = f.friend_id and o.friend_id = f.user_id
                       and o.created_at = f.created_at)",
    "select count(*) from account a left join credential c using (user_id) left join user_settings s using (user_id)
     where c.user_id is null or s.user_id is null
        or (a.state <> 'deleted') <> (c.email_verified_at is not null)",
    "select count(*) from comment c join comment p on p.comment_id = c.parent_id
     where p.post_id <> c.post_id or c.depth <> p.depth + 1",
    "select count(*) from comment where parent_id is null and depth <> 0",
    "select count(*) from post where edited_at < created_at or deleted_at < created_at",
];

/// Rules that hold for what is made here, though not for a foreign source: nobody answers what they
/// may not see, and nothing comes from the future or before what it answers.
const UNLIKELY: &[&str] = &[
    "select count(*) from reaction r
     join post p on p.post_id = r.target_id join account a on a.user_id = p.author_id
     where p.deleted_at is null and a.state = 'active'
       and not exists (select from visible_post(r.user_id) v where v.post_id = p.post_id)",
    "select count(*) from comment c
     join post p using (post_id) join account a on a.user_id = p.author_id
     where p.deleted_at is null and a.state = 'active'
       and not exists (select from visible_post(c.author_id) v where v.post_id = p.post_id)",
    "select count(*) from comment c join post p using (post_id)
     where c.created_at < p.created_at or c.created_at > '2026-11-01'",
    "select count(*) from comment c join comment p on p.comment_id = c.parent_id where c.created_at < p.created_at",
    "select count(*) from reaction where created_at > '2026-11-01'",
    "select count(*) from friendship f join account a using (user_id) where f.created_at < a.created_at",
];

async fn check(pool: &PgPool, rules: &[&'static str]) {
    for rule in rules {
        assert_eq!(number(pool, rule).await, 0, "{rule}");
    }
    let mut conn = pool.acquire().await.expect("a connection");
    let conn = &mut *conn;
    for (what, drift) in [
        ("people", users::recount(conn).await),
        ("posts", posts::recount(conn).await),
        ("comments", comments::recount(conn).await),
        ("reactions", reactions::recount(conn).await),
    ] {
        assert_eq!(drift.expect("recounted"), 0, "drifted counters of {what}");
    }
}

fn fixture(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

/// Twelve people, everybody friends with the next three.
fn small_graph() -> tempfile::NamedTempFile {
    let mut text = String::from("# friends\nsource target\n1 1\n2 1\n");
    for a in 0..12 {
        for step in 1..=3 {
            text.push_str(&format!("{a} {}\n", (a + step) % 12));
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
async fn the_demo_shows_every_state() {
    with_database(|pool| async move {
        let report = load(&pool, &["--profile", "demo"]).await.expect("loaded");
        println!("{report}");
        assert!(report.seconds < 15.0, "{} s", report.seconds);
        check(&pool, BROKEN).await;
        check(&pool, UNLIKELY).await;
        for states in [
            "select count(*) from account where state = 'suspended' and suspended_reason is not null",
            "select count(*) from account where state = 'deleted' and deleted_at is not null",
            "select count(*) from account where role = 'moderator'",
            "select count(*) from account where role = 'admin'",
            "select count(*) from block a join block b on b.blocker_id = a.blocked_id and b.blocked_id = a.blocker_id",
            "select count(*) from post where audience = 'public'",
            "select count(*) from post where audience = 'friends'",
            "select count(*) from post where audience = 'only_me'",
            "select count(*) from post_audience where deny",
            "select count(*) from post_audience where not deny and circle_id is not null",
            "select count(*) from post_audience where not deny and user_id is not null",
            "select count(*) from post where version > 1 and edited_at is not null",
            "select count(*) from post where deleted_at is not null",
            "select count(*) from post where shared_post_id is not null and deleted_at is null",
            "select count(*) from post_revision",
            "select count(*) from saved_post",
            "select count(*) from hidden_post",
            "select count(*) from friend_request where state = 'pending'",
            "select count(*) from follow",
            "select count(*) from mute",
            "select count(*) from circle_member",
            "select count(*) from comment where depth = 8",
            "select count(*) from comment where deleted_at is not null and content = ''",
            "select count(*) from comment join account a on a.user_id = author_id where a.state = 'deleted'",
        ] {
            assert!(number(&pool, states).await > 0, "{states}");
        }
        let alone = "select friends + followers + posts_public + posts_friends + posts_private::bigint
                     from user_counter join account using (user_id) where username = 'newbie'";
        assert_eq!(number(&pool, alone).await, 0);
        let quarrel = "select count(*) from friendship join block
                       on (blocker_id, blocked_id) = (user_id, friend_id)";
        assert_eq!(number(&pool, quarrel).await, 0);
        let stray = "select count(*) from post p where edited_at is not null
                     and version <> 1 + (select count(*) from post_revision r where r.post_id = p.post_id)";
        assert_eq!(number(&pool, stray).await, 0);
    })
    .await;
}

#[tokio::test]
async fn everybody_of_the_demo_has_a_valid_username() {
    with_database(|pool| async move {
        // Another number than the usual one, loaded again on another day.
        load(&pool, &["--profile", "demo", "--seed", "7"])
            .await
            .expect("loaded");
        let mut later = args(&["--profile", "demo", "--seed", "7"]);
        later.at = later.at.map(|at| at + chrono::TimeDelta::days(3));
        let again = seed(&later, &pool, SystemClock.now(), &|_| ()).await;
        assert!(again.expect("recognised").already_loaded);
        let names: Vec<String> = sqlx::query_scalar("select username from account")
            .fetch_all(&pool)
            .await
            .expect("read");
        assert_eq!(names.len(), 150);
        for name in names {
            assert!(
                kith::domains::users::Username::parse(&name).is_ok(),
                "{name}"
            );
        }
    })
    .await;
}

/// The folder of a small LDBC social network.
fn ldbc_fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ldbc")
}

#[tokio::test]
async fn an_ldbc_network_is_loaded_with_its_own_texts_and_times() {
    with_database(|pool| async move {
        let folder = ldbc_fixture();
        let report = load(&pool, &["--ldbc", path(&folder)]).await.expect("loaded");
        let expected = [("people", 5), ("friendships", 3), ("posts", 3), ("comments", 13), ("reactions", 5)];
        for (kind, count) in expected {
            assert_eq!(report.counts[kind], count, "{kind}");
        }
        let mut skipped: Vec<(&str, u64)> =
            report.skipped.iter().map(|skipped| (skipped.what, skipped.count)).collect();
        skipped.sort_unstable();
        let left_out = [
            ("forums", 1),
            ("friendships", 1),
            ("further e-mail addresses", 4),
            ("images of posts", 1),
            ("levels of replies", 2),
            ("likes", 1),
        ];
        assert_eq!(skipped, left_out);
        check(&pool, BROKEN).await;
        for there in [
            r#"select count(*) from post where content = 'About Ana, a backslash \ and "quotes"'
               and created_at = '2012-03-14 10:15:00.25Z'"#,
            "select count(*) from post where content = 'photo12.jpg'",
            "select count(*) from account join credential using (user_id)
             where username = 'bjrn.berg.902' and display_name = 'Björn Öberg' and email = 'p902@one.example'",
            "select count(*) from credential where email = 'p905@ldbc.kith.example'",
            "select count(*) from comment where content = 'level 7' and depth = 7",
            "select count(*) from comment a join comment b on b.comment_id = a.parent_id
             where a.content = 'level 10' and a.depth = 8 and b.content = 'level 7'",
            "select count(*) from comment a join comment b on b.comment_id = a.parent_id
             where a.content = 'yes' and b.content = 'really?'",
        ] {
            assert_eq!(number(&pool, there).await, 1, "{there}");
        }
        assert!(load(&pool, &["--ldbc", path(&folder)]).await.expect("recognised").already_loaded);
    })
    .await;
}

#[tokio::test]
async fn every_malformed_line_of_an_ldbc_network_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(ldbc_fixture().join("dynamic")).expect("read") {
        let entry = entry.expect("read");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copied");
    }
    let add = |file: &str, line: &str| {
        let file = folder.path().join(file);
        let text = std::fs::read_to_string(&file).expect("read");
        std::fs::write(&file, text + line + "\n").expect("written");
    };
    add(
        "person_knows_person_0_0.csv",
        "901|999|2012-03-10T10:15:00.250+0000",
    );
    add("post_0_0.csv", "14|too|few");
    add("person_likes_post_0_0.csv", "901|13|yesterday");
    add(
        "comment_0_0.csv",
        "80|2012-03-10T10:15:00.250+0000|192.0.2.1|Firefox|round|5|901|1||80",
    );
    with_database(|pool| async move {
        let error = load(&pool, &["--ldbc", path(folder.path())]).await;
        let message = error.expect_err("malformed").to_string();
        for place in [
            "person_knows_person_0_0.csv:6:",
            "post_0_0.csv:5:",
            "person_likes_post_0_0.csv:6:",
            "comment_0_0.csv:15:",
        ] {
            assert!(message.contains(place), "{place} in {message}");
        }
        assert_eq!(number(&pool, "select count(*) from account").await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_counts_of_the_ldbc_sample_equal_the_sources() {
    let Some(folder) = shared_data("ldbc-snb-sample") else {
        eprintln!("skipped: KITH_SHARED_DATA names no folder with this data");
        return;
    };
    with_database(|pool| async move {
        let report = load(&pool, &["--ldbc", path(&folder)])
            .await
            .expect("loaded");
        println!("{report}");
        for (sql, count) in [
            ("select count(*) from account", 222),
            ("select count(*) from friendship", 2 * 825),
            ("select count(*) from post", 5_924),
            ("select count(*) from comment", 2_218),
            (
                "select count(*) from reaction where target_kind = 'post'",
                759,
            ),
            (
                "select count(*) from reaction where target_kind = 'comment'",
                624,
            ),
        ] {
            assert_eq!(number(&pool, sql).await, count, "{sql}");
        }
        check(&pool, BROKEN).await;
    })
    .await;
}

/// Real data that is too large for the project; the folder's place is in `KITH_SHARED_DATA`, or it
/// lies beside the project. Without it these tests say so and pass.
fn shared_data(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("KITH_SHARED_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    Some(named.unwrap_or_else(beside).join(name)).filter(|path| path.exists())
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
        let words = args(&["--profile", "demo"]);
        let refused = run(&words, &pool, &config, SystemClock.now(), &|_| ()).await;
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
        assert!(report.seconds < 30.0, "{} s", report.seconds);
        check(&pool, BROKEN).await;
    })
    .await;
}
