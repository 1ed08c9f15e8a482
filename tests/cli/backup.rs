//! Backups, and what comes back from them.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::Place;

const FINGERPRINT: &str = "select string_agg(a::text, '|' order by user_id) || (select count(*) from user_settings) from account a";

#[test]
fn what_was_backed_up_comes_back_equal_and_is_served() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into account (user_id, username, display_name, created_at, updated_at)
         select gen_random_uuid(), 'person' || n, 'Jürgen ' || n, now(), now() from generate_series(1, 50) n;
         insert into user_settings (user_id, updated_at) select user_id, now() from account;
         insert into cache_epoch (run_id) values ('before')",
    );
    let file = place.path("kith.backup");
    place.run(&["backup", &file]).expect_code(0);
    let mode = std::fs::metadata(&file)
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let other = Place::new();
    let counts = other
        .run(&["restore", &file, "--json"])
        .expect_code(0)
        .json();
    assert_eq!(counts["rows"]["account"], 50);
    assert_eq!(other.ask(FINGERPRINT), place.ask(FINGERPRINT));
    let serving = other.serve();
    assert_eq!(serving.get("/readyz"), 200);
    serving.stop();
}

#[test]
fn a_restored_database_counts_its_epochs_beyond_any_that_were_given_out() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let file = place.path("kith.backup");
    place.run(&["backup", &file]).expect_code(0);
    let insert = "insert into cache_epoch (run_id) values ('after')";
    let epoch = "select max(epoch)::text from cache_epoch";
    place.sql(&format!(
        "{insert}; insert into cache_epoch (run_id) select n::text from generate_series(1, 99) n"
    ));
    let given: i64 = place.ask(epoch).parse().expect("a number");
    let said = place
        .run(&["restore", &file, "--replace", "--yes"])
        .expect_code(0)
        .stdout;
    let named = format!("/{} (DATABASE_URL).", place.name());
    assert!(said.contains(&named), "{said}");
    assert_eq!(place.ask("select count(*)::text from cache_epoch"), "0");
    place.sql(insert);
    assert!(place.ask(epoch).parse::<i64>().expect("a number") > given);
}

#[test]
fn a_database_with_something_in_it_is_replaced_only_when_that_is_meant() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let file = place.path("kith.backup");
    place.run(&["backup", &file]).expect_code(0);
    place.sql("insert into cache_epoch (run_id) values ('kept')");
    let said = place.run(&["restore", &file]).expect_code(2).stderr;
    let named = format!("/{} (DATABASE_URL) is not empty", place.name());
    assert!(said.contains(&named), "{said}");
    place.run(&["restore", &file, "--replace"]).expect_code(2);
    std::fs::write(place.path("broken"), "PGDMP but no more").expect("writes");
    place
        .run(&["restore", &place.path("broken"), "--replace", "--yes"])
        .expect_code(1);
    place
        .run(&["restore", &place.path("absent"), "--replace", "--yes"])
        .expect_code(2);
    assert_eq!(place.ask("select count(*)::text from cache_epoch"), "1");
}

#[test]
fn half_a_backup_is_refused_before_anything_is_deleted_for_it() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    // So many that half of the file is far behind its table of contents.
    place.sql(
        "insert into account (user_id, username, display_name, bio, created_at, updated_at)
         select gen_random_uuid(), 'person' || n, 'P',
                md5(random()::text) || md5(random()::text) || md5(random()::text), now(), now()
         from generate_series(1, 20000) n",
    );
    let file = place.path("kith.backup");
    place.run(&["backup", &file]).expect_code(0);
    let whole = std::fs::read(&file).expect("the file");
    let half = place.path("half.backup");
    std::fs::write(&half, &whole[..whole.len() / 2]).expect("writes");
    let said = place
        .run(&["restore", &half, "--replace", "--yes"])
        .expect_code(1)
        .stderr;
    assert!(said.contains("half.backup is not a whole backup"), "{said}");
    assert_eq!(place.ask("select count(*)::text from account"), "20000");
    place
        .run(&["restore", &file, "--replace", "--yes"])
        .expect_code(0);
    assert_eq!(place.ask("select count(*)::text from account"), "20000");
}

#[test]
fn a_failed_backup_leaves_the_one_before_as_it_was() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    let file = place.path("kith.backup");
    place.run(&["backup", &file]).expect_code(0);
    let before = std::fs::read(&file).expect("the file");
    let nowhere = Place::new().with("DATABASE_URL", "postgres://x@127.0.0.1:1/x");
    nowhere.run(&["backup", &file]).expect_code(1);
    assert_eq!(std::fs::read(&file).expect("the file"), before);
}
