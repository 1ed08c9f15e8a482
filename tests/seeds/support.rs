//! A database for each test, and the rules that every load keeps.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kith::domains::{comments, posts, reactions, users};
use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use kith::seeds::{Plan, Report, Source, seed};
use sqlx::PgPool;

use super::database::TestDatabase;

/// The instant that tests take for the present.
pub const AT: &str = "2026-11-01T00:00:00Z";

pub async fn with_database<Fut: Future<Output = ()>>(test: impl FnOnce(PgPool) -> Fut) {
    let database = TestDatabase::create().await;
    let pool = PgPool::connect(&database.url()).await.expect("connected");
    test(pool).await;
}

/// What `kith seed` would load, called with these words.
pub fn plan(words: &[&str]) -> Plan {
    let mut given = BTreeMap::new();
    for option in words.chunks(2) {
        given.insert(option[0], option[1]);
    }
    let number = |option: &str| given.get(option).map(|one| one.parse().expect("a number"));
    let source = match (given.get("--graph"), given.get("--ldbc")) {
        (Some(file), _) => Source::Graph {
            file: file.into(),
            posts_per_user: number("--posts-per-user").unwrap_or(10),
        },
        (_, Some(folder)) => Source::Ldbc(folder.into()),
        _ => Source::Demo,
    };
    Plan {
        seed: number("--seed").map_or(Plan::SEED, u64::from),
        at: Some(AT.parse().expect("an instant")),
        ..Plan::of(source)
    }
}

pub async fn load(pool: &PgPool, words: &[&str]) -> anyhow::Result<Report> {
    seed(&plan(words), pool, SystemClock.now(), &|_| ()).await
}

pub async fn number(pool: &PgPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(pool)
        .await
        .unwrap_or_else(|fault| panic!("{sql}: {fault}"))
}

/// All that was loaded, as one number: equal only if every row is.
pub async fn fingerprint(pool: &PgPool) -> i64 {
    number(
        pool,
        "select hashtextextended(sum(hashtextextended(line, 0))::text, 0) from (
             select a::text as line from account a union all select f::text from friendship f
             union all select p::text from post p union all select c::text from comment c
             union all select r::text from reaction r union all select u::text from user_counter u
             union all select x::text from post_audience x union all select t::text from circle t
             union all select v::text from conversation v union all select m::text from message m
             union all select s::text from conversation_mark s
             union all select s::text from conversation_member s
             union all select n::text from notification n union all select i::text from notification_item i
             union all select k::text from notification_marker k union all select t::text from mention_told t
             union all select q::text from friend_request q union all select w::text from post_view w
         ) as everything",
    )
    .await
}

/// Rules that hold after every load: each of these counts rows that break one.
pub const BROKEN: &[&str] = &[
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
    "select count(*) from post_hashtag h join post p using (post_id)
     where p.deleted_at is not null or h.created_at <> p.created_at
        or position('#' || h.tag in lower(p.content)) = 0",
    "select count(*) from conversation c
     where c.top_seq <> (select count(*) from message m where m.conversation_id = c.conversation_id)
        or c.top_seq <> (select max(seq) from message m where m.conversation_id = c.conversation_id)
        or not exists (select from message m where m.message_id = c.last_message_id
                       and (m.conversation_id, m.seq, m.created_at) = (c.conversation_id, c.top_seq, c.updated_at))",
    "select count(*) from conversation_mark k join conversation c using (conversation_id)
     where k.read_up_to > c.top_seq or not exists (
         select from conversation_member m
         where (m.conversation_id, m.user_id) = (k.conversation_id, k.user_id))",
    "select count(*) from message m where not exists (
         select from conversation_member s
         where (s.conversation_id, s.user_id) = (m.conversation_id, m.author_id)
           and (s.state = 'active' or m.seq <= s.left_seq))",
];

/// Rules that hold for what is made here, though not for a foreign source: nobody answers what they
/// may not see, and nothing comes from the future or before what it answers.
pub const UNLIKELY: &[&str] = &[
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

pub async fn check(pool: &PgPool, rules: &[&'static str]) {
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

pub fn fixture(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

pub fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

/// Real data that is too large for the project; the folder's place is in `KITH_SHARED_DATA`, or it
/// lies beside the project. Without it these tests say so and pass.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("KITH_SHARED_DATA").map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    Some(named.unwrap_or_else(beside).join(name)).filter(|path| path.exists())
}
