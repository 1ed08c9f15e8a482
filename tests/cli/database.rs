//! What is said of a database that cannot be used, and of a schema that does not fit.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::Place;

#[test]
fn what_is_pending_is_counted_and_named_by_check_alone() {
    let place = Place::new();
    for (args, code) in [(&["user", "list"][..], 1), (&["doctor"], 3)] {
        let ran = place.run(args).expect_code(code);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("migrations are pending"), "{said}");
        assert!(said.contains("`kith migrate --check`"), "{said}");
        assert!(!said.contains("foundation"), "{said}");
    }
    let checked = place.run(&["migrate", "--check"]).expect_code(3);
    assert!(checked.stdout.contains("foundation"), "{}", checked.stdout);
}

#[test]
fn a_migration_that_was_changed_after_it_ran_is_told_by_all_who_would_use_it() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let first = place.ask("select min(version)::text from _sqlx_migrations");
    place.sql(&format!(
        "update _sqlx_migrations set checksum = 'another' where version = {first}"
    ));
    let told = |said: &str| {
        assert!(said.contains(&first), "{said}");
        assert!(said.contains("Run the release of kith that ran"), "{said}");
    };
    for args in [&["migrate"][..], &["user", "list"], &["serve"]] {
        told(&place.run(args).expect_code(1).stderr);
    }
    let checked = place.run(&["migrate", "--check"]).expect_code(3);
    assert!(checked.stdout.contains("changed"), "{}", checked.stdout);
    told(&checked.stderr);
    told(&place.run(&["doctor"]).expect_code(3).stdout);
    told(&place.in_production().run(&["serve"]).expect_code(1).stderr);
}

#[test]
fn a_database_that_cannot_be_used_is_named_with_its_setting_and_each_cause_once() {
    let place = Place::new();
    let absent = place.url().replace(place.name(), "kith_absent");
    let place = place.with("DATABASE_URL", &absent);
    for args in [&["migrate"][..], &["user", "list"], &["serve"]] {
        let said = place.run(args).expect_code(1).stderr;
        assert!(
            said.contains("/kith_absent can't be used (DATABASE_URL)"),
            "{said}"
        );
        assert_eq!(said.matches("does not exist").count(), 1, "{said}");
        assert!(!said.contains("at line"), "{said}");
    }
    let owner = place.with(
        "DATABASE_MIGRATE_URL",
        "postgres://me:hunter2@127.0.0.1:1/kith",
    );
    let said = owner.run(&["migrate"]).expect_code(1).stderr;
    let named = "127.0.0.1:1/kith can't be used (DATABASE_MIGRATE_URL)";
    assert!(said.contains(named) && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_database_that_kith_has_never_used_is_not_backed_up() {
    let place = Place::new();
    let file = place.path("kith.backup");
    let said = place.run(&["backup", &file]).expect_code(1).stderr;
    assert!(said.contains("has no schema of kith"), "{said}");
    assert!(said.contains(place.name()), "{said}");
    assert!(!std::path::Path::new(&file).exists());
}

#[test]
fn whoever_may_not_read_the_migrations_is_not_told_that_some_are_run() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let role = format!("{}_reader", place.name());
    place.sql(&format!("create role {role} login"));
    let mut url = reqwest::Url::parse(&place.url()).expect("a URL");
    url.set_username(&role).expect("a URL with a place");
    let stranger = Place::new().with("DATABASE_URL", url.as_str());
    let said = stranger.run(&["user", "list"]).expect_code(1).stderr;
    place.sql(&format!("drop role {role}"));
    let told = "the migrations that have run can't be read: Postgres says: permission denied";
    assert!(said.contains(told), "{said}");
}

const SOMEBODY: &str =
    "insert into account (user_id, username, display_name, created_at, updated_at)
                        values (gen_random_uuid(), 'anna', 'Anna', now(), now())";

#[test]
fn reset_names_the_database_and_deletes_people_who_were_not_seeded_only_when_that_is_meant() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql(SOMEBODY);
    let named = format!("/{} (DATABASE_URL)", place.name());
    for args in [&["reset"][..], &["reset", "--yes"]] {
        let said = place.run(args).expect_code(2).stderr;
        assert!(said.contains(&named), "{said}");
    }
    place.run(&["reset", "--people"]).expect_code(2);
    assert_eq!(place.ask("select count(*)::text from account"), "1");
    let said = place.run(&["reset", "--yes", "--people"]).expect_code(0);
    assert!(said.stdout.contains(&named), "{}", said.stdout);
    assert_eq!(place.ask("select count(*)::text from account"), "0");
}

#[test]
fn a_demo_is_made_anew_without_a_further_word_and_so_is_a_strange_schema() {
    let place = Place::new();
    place.sql("create table account (id int)");
    place.run(&["reset", "--yes"]).expect_code(0);
    place.run(&["seed", "--profile", "demo"]).expect_code(0);
    place.sql(SOMEBODY);
    place.run(&["reset", "--yes"]).expect_code(0);
    assert_eq!(place.ask("select count(*)::text from account"), "0");
}

#[test]
fn production_is_not_ready_to_serve_a_demo_that_it_meets_only_after_its_start() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.run(&["seed", "--profile", "demo"]).expect_code(0);
    // The same server by a socket that is not there yet.
    let mut url = reqwest::Url::parse(&place.url()).expect("a URL");
    let mut pairs = url.query_pairs();
    let host = pairs.find(|(name, _)| name == "host");
    let Some((_, host)) = host.filter(|(_, host)| host.starts_with('/')) else {
        eprintln!("the test server has no socket: nothing to see here");
        return;
    };
    let socket = format!(".s.PGSQL.{}", url.port().unwrap_or(5432));
    let real = Path::new(&*host).join(&socket);
    let late = place.path("late");
    std::fs::create_dir(&late).expect("a folder");
    url.set_query(Some(&format!("host={late}")));
    let place = place.in_production().with("DATABASE_URL", url.as_str());
    let serving = place.serve();
    assert_eq!(serving.get("/readyz"), 503);
    std::os::unix::fs::symlink(real, Path::new(&late).join(socket)).expect("a link");
    let began = Instant::now();
    while !place.log().contains("demo data") {
        let is_soon = began.elapsed() < Duration::from_secs(15);
        assert!(is_soon, "it says nothing: {}", place.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(serving.get("/readyz"), 503);
    assert_eq!(serving.stop().code(), Some(0));
}

#[test]
fn serve_ends_at_once_where_an_address_cannot_be_read() {
    let place = Place::new().with("REDIS_URL", "redis://a:b:c/");
    for args in [&["config"][..], &["serve"]] {
        let said = place.run(args).expect_code(2).stderr;
        assert!(said.contains("REDIS_URL is a URL that can't"), "{said}");
    }
}

/// The statements of the documentation that give the serving role its rights.
fn documented_rights(role: &str) -> String {
    let page = include_str!("../../docs/operations.md");
    let block = page
        .split("```sql")
        .find(|block| block.contains("grant usage on schema"));
    let block = block.expect("the rights are documented");
    let (statements, _) = block.split_once("```").expect("an end");
    statements.replace(" to kith;", &format!(" to {role};"))
}

#[test]
fn the_documented_rights_are_enough_to_serve_and_truncate_nothing() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let role = format!("{}_serving", place.name());
    place.sql(&format!(
        "create role {role} login; {}",
        documented_rights(&role)
    ));
    let mut url = reqwest::Url::parse(&place.url()).expect("a URL");
    url.set_username(&role).expect("a URL with a place");
    let other = Place::new()
        .with("DATABASE_URL", url.as_str())
        .with("DATABASE_MIGRATE_URL", &place.url());
    let serving = other.serve();
    let somebody = r#"{"username":"anna","email":"anna@example.org","password":"correct horse battery","display_name":"Anna"}"#;
    assert_eq!(serving.post("/v1/auth/register", somebody), 201);
    assert_eq!(serving.get("/v1/users/@anna"), 200);
    let may_truncate = place.ask(&format!(
        "select count(*)::text from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
           and has_table_privilege('{role}', oid, 'truncate')"
    ));
    assert_eq!(may_truncate, "0", "no trigger would tell of it");
    serving.stop();
    place.sql(&format!("drop owned by {role}; drop role {role}"));
}

/// Servers that run are to warm what was loaded, once they know what it has voided.
#[test]
fn a_seed_leaves_warming_due_at_once_and_a_second_one_does_not() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let due = || {
        place.ask(
            "select coalesce(string_agg(round(extract(epoch from run_at - now()))::text, ' '), '')
             from job where name = 'cache.warm' and failed_at is null",
        )
    };
    assert_eq!(due(), "");
    place.run(&["seed", "--profile", "demo"]).expect_code(0);
    let seconds: i64 = due().parse().expect("one such job");
    assert!((-10..=2).contains(&seconds), "{seconds}");
    place.sql("update job set run_at = now() + interval '1 hour' where name = 'cache.warm'");
    place.run(&["seed", "--profile", "demo"]).expect_code(0);
    let seconds: i64 = due().parse().expect("the same job");
    assert!(seconds > 3_000, "nothing was loaded: {seconds}");
}
