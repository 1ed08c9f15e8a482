//! How many rows frequent statements read. A page of the home feed depends on how many authors somebody reads, and
//! neither on how much they write nor on how many people there are. What it costs to find whom a post is pushed to
//! depends on its author's friends alone, and whom it calls on the names in it. What is due of one kind of job is
//! found however much waits of another.

use kith::domains::feed::{NEWER, OLDER, PLANNING, READERS, RECIPIENTS};
use kith::domains::notifications::CALLED;
use kith::infra::jobs::{CLAIM, CLAIMING};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Postgres, Transaction};

use crate::support::TestApp;

const VIEWER: &str = "00000000-0000-7000-8000-000000000001";
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
const NOW: &str = "2026-06-01T00:00:00Z";
const MIDDLE: &str = "2025-06-01T00:00:00Z";

/// Adds people up to `people`, each with `posts` posts spread over two years; the viewer is the
/// friend of 60, follows 30 others, has muted one and hidden every twentieth post. The rest are
/// friends among themselves.
const LOAD: &str = "
    set local kith.bulk = on;
    create or replace function pg_temp.person(number int) returns uuid language sql immutable as $$
        select ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
    $$;
    insert into account (user_id, username, display_name, created_at, updated_at)
    select pg_temp.person(i), 'person_' || i, 'Person', '2024-01-01', '2024-01-01'
    from generate_series(1, {people}) i on conflict do nothing;
    insert into friendship (user_id, friend_id, created_at)
    select pg_temp.person(a), pg_temp.person(b), '2024-01-01'
    from (
        select 1 as a, i as b from generate_series(2, 61) i
        union all
        select i, i % ({people} - 100) + 101 from generate_series(100, {people}) i
        where i <> i % ({people} - 100) + 101
    ) pair
    on conflict do nothing;
    insert into friendship select friend_id, user_id, created_at from friendship on conflict do nothing;
    insert into follow select pg_temp.person(1), pg_temp.person(i), '2024-01-01'
    from generate_series(50, 91) i on conflict do nothing;
    insert into mute select pg_temp.person(1), pg_temp.person(7), null, '2024-01-01' on conflict do nothing;
    insert into post (post_id, author_id, content, audience, created_at)
    select ('00000000-0000-7000-9000-' || lpad(to_hex(i * 1000 + k), 12, '0'))::uuid, pg_temp.person(i), 'a post',
           (array['public', 'friends', 'public', 'only_me', 'friends', 'public', 'custom', 'public'])[(i + k) % 8 + 1],
           '2026-06-01'::timestamptz
               - (abs(hashint4(i * 1000 + k)::bigint) % 1000000) / 1000000.0 * interval '730 days'
    from generate_series(1, {people}) i, generate_series(1, {posts}) k
    on conflict do nothing;
    insert into hidden_post select pg_temp.person(1), post_id, '2024-01-01'
    from post where abs(hashtext(post_id::text)::bigint) % 20 = 0 on conflict do nothing;
";

async fn load(conn: &mut PgConnection, people: u32, posts: u32) {
    let sql = LOAD
        .replace("{people}", &people.to_string())
        .replace("{posts}", &posts.to_string());
    let unbounded =
        "begin; set local statement_timeout = 0; set local session_replication_role = replica";
    let mut transaction = conn.begin_with(unbounded).await.expect("a transaction");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut *transaction)
        .await
        .expect("the data load");
    transaction.commit().await.expect("a commit");
    sqlx::raw_sql("analyze")
        .execute(conn)
        .await
        .expect("statistics");
}

/// What one page read: rows of tables and indexes, and which kinds of nodes did it.
struct Cost {
    rows: f64,
    kinds: Vec<String>,
    found: f64,
}

/// Runs a page as the program does, planned as the program plans it.
async fn explain(conn: &mut PgConnection, statement: &str, bound: &str) -> Cost {
    let types = "timestamptz, uuid, bigint, uuid, timestamptz";
    let id = "80000000-0000-0000-0000-000000000000";
    let values = format!("'{bound}', '{id}', 21, '{VIEWER}', '{NOW}'");
    let transaction = conn.begin_with(PLANNING).await.expect("a transaction");
    cost(transaction, statement, types, &values).await
}

/// Runs a statement, and says what it read.
async fn cost(
    mut transaction: Transaction<'_, Postgres>,
    statement: &str,
    types: &str,
    values: &str,
) -> Cost {
    let prepare = format!("prepare page ({types}) as {statement}");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *transaction)
        .await
        .expect("the statement is valid");
    let run = format!("explain (analyze, format json) execute page ({values})");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(run))
        .fetch_one(&mut *transaction)
        .await
        .expect("a plan");
    sqlx::raw_sql("deallocate page")
        .execute(&mut *transaction)
        .await
        .expect("the statement goes");
    transaction.rollback().await.expect("the end");
    let top = &plan[0]["Plan"];
    let mut cost = Cost {
        rows: 0.0,
        kinds: Vec::new(),
        found: top["Actual Rows"].as_f64().expect("rows"),
    };
    add_up(top, &mut cost);
    cost
}

fn add_up(node: &Value, cost: &mut Cost) {
    let number = |name: &str| node[name].as_f64().unwrap_or_default();
    let kind = node["Node Type"].as_str().expect("a kind");
    if node["Relation Name"].is_string() || kind == "Bitmap Index Scan" {
        let removed = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
        cost.rows += (number("Actual Rows") + removed) * number("Actual Loops");
        cost.kinds.push(kind.to_owned());
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        add_up(child, cost);
    }
}

#[tokio::test]
async fn the_rows_that_a_page_of_the_feed_reads_do_not_grow_with_posts_or_people() {
    let app = TestApp::start().await;
    // A connection of its own: the server, when it stops, waits for those of the pool.
    let mut conn = PgConnection::connect_with(&app.db.connect_options())
        .await
        .expect("a connection");
    let pages = [
        ("first", OLDER, "9999-01-01"),
        ("middle", OLDER, MIDDLE),
        ("middle, towards newer", NEWER, MIDDLE),
    ];
    load(&mut conn, 200, 10).await;
    let mut small = Vec::new();
    for (_, statement, bound) in pages {
        small.push(explain(&mut conn, statement, bound).await);
    }
    for (people, posts) in [(200, 100), (1_000, 100)] {
        load(&mut conn, people, posts).await;
        for ((page, statement, bound), small) in pages.iter().zip(&small) {
            let large = explain(&mut conn, statement, bound).await;
            assert!(
                (large.found, small.found) == (21.0, 21.0),
                "{page}: a full page"
            );
            assert!(
                large.rows < small.rows * 1.15,
                "{page}, {people} people with {posts} posts: {} rows, {} with few",
                large.rows,
                small.rows
            );
            let walks = |kind: &String| kind.starts_with("Index");
            assert!(large.kinds.iter().all(walks), "{page}: {:?}", large.kinds);
        }
    }
}

#[tokio::test]
async fn whom_a_post_is_pushed_to_is_found_without_looking_at_all_readers() {
    const FRIENDS: f64 = 60.0;
    let app = TestApp::start().await;
    let mut conn = PgConnection::connect_with(&app.db.connect_options())
        .await
        .expect("a connection");
    load(&mut conn, 2_000, 1).await;
    sqlx::query("insert into feed_reader select user_id, $1::timestamptz from account")
        .bind(
            NOW.parse::<chrono::DateTime<chrono::Utc>>()
                .expect("an instant"),
        )
        .execute(&mut conn)
        .await
        .expect("everybody reads");
    for analyze in [false, true] {
        if analyze {
            let analyzed = sqlx::raw_sql("analyze").execute(&mut conn).await;
            analyzed.expect("statistics");
        }
        let transaction = conn.begin().await.expect("a transaction");
        let types = "uuid, bool, timestamptz, uuid, bigint";
        let values = format!("'{VIEWER}', true, '{MIDDLE}', '{NOBODY}', 500");
        let found = cost(transaction, RECIPIENTS, types, &values).await;
        assert!((found.found - FRIENDS).abs() < 0.5, "{} found", found.found);
        // Some are read twice: in an index, and then in the table.
        assert!(found.rows < FRIENDS * 6.0, "{} rows", found.rows);

        let transaction = conn.begin().await.expect("a transaction");
        let types = "uuid[], uuid[], bool[], timestamptz, bigint";
        let values =
            format!("'{{{NOBODY},{VIEWER}}}', '{{{VIEWER},{VIEWER}}}', '{{t,f}}', '{MIDDLE}', 501");
        let found = cost(transaction, READERS, types, &values).await;
        let both = FRIENDS * 2.0;
        assert!((found.found - both).abs() < 0.5, "{} found", found.found);
        assert!(found.rows < both * 6.0, "{} rows", found.rows);
    }
}

#[tokio::test]
async fn whom_a_post_calls_is_found_without_looking_at_everybody() {
    let app = TestApp::start().await;
    let mut conn = PgConnection::connect_with(&app.db.connect_options())
        .await
        .expect("a connection");
    load(&mut conn, 4_000, 2).await;
    let post: String = sqlx::query_scalar(
        "select post_id::text from post where author_id = $1::text::uuid and audience = 'public' limit 1",
    )
    .bind(VIEWER)
    .fetch_one(&mut conn)
    .await
    .expect("a post");
    // As on the connections of the pool, which do without scans.
    let without_scans = "begin; set local enable_seqscan = off";
    let transaction = conn.begin_with(without_scans).await.expect("a transaction");
    let names = "'{person_7,person_3000,nobody_has_this_name}'";
    let values = format!("'{{{post},{post},{post}}}', {names}");
    let found = cost(transaction, CALLED, "uuid[], text[]", &values).await;
    assert!((found.found - 2.0).abs() < 0.5, "{} found", found.found);
    assert!(found.rows < 40.0, "{} rows", found.rows);
}

#[tokio::test]
async fn a_long_backlog_of_one_kind_of_job_costs_whoever_looks_for_others_nothing() {
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let mut conn = PgConnection::connect_with(&app.db.connect_options())
        .await
        .expect("a connection");
    sqlx::raw_sql(
        "insert into job (job_id, name, payload, run_at, created_at)
         select gen_random_uuid(), case when i % 1000 = 0 then 'seldom' else 'often' end, '{}',
                '2024-01-01'::timestamptz + i * interval '1 second', '2024-01-01'
         from generate_series(1, 20000) i",
    )
    .execute(&mut conn)
    .await
    .expect("a backlog");
    let types = "timestamptz, text[], uuid[], bigint, timestamptz, timestamptz[]";
    for (names, since, found) in [
        ("seldom", "-infinity", 16.0),
        ("often", "-infinity", 16.0),
        ("often,seldom", "-infinity,-infinity", 16.0),
        ("often,seldom", "2025-01-01,-infinity", 16.0),
        ("often", "2025-01-01", 0.0),
        ("none", "-infinity", 0.0),
    ] {
        let transaction = conn.begin_with(CLAIMING).await.expect("a transaction");
        let values = format!("'{NOW}', '{{{names}}}', '{{{NOBODY}}}', 16, '{NOW}', '{{{since}}}'");
        let claimed = cost(transaction, CLAIM, types, &values).await;
        assert!(
            (claimed.found - found).abs() < 0.5,
            "{names}: {} found",
            claimed.found
        );
        assert!(claimed.rows < 200.0, "{names}: {} rows", claimed.rows);
    }
}
