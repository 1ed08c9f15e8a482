//! `kith jobs`.

use crate::support::Place;

/// Two jobs that failed for good, one that waits, and one of a kind that nobody knows.
fn place() -> Place {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into job (job_id, name, payload, run_at, attempts, last_error, failed_at, created_at)
         values
         ('00000000-0000-7000-8000-000000000001', 'auth.mail', '{}', now(), 8, 'no server',
          now() - interval '1 hour', now()),
         ('00000000-0000-7000-8000-000000000002', 'of.tomorrow', '{}', now(), 3, 'who knows',
          now(), now()),
         ('00000000-0000-7000-8000-000000000003', 'auth.mail', '{}', now(), 0, null, null, now())",
    );
    place
}

#[test]
fn jobs_are_listed_by_kind_and_those_that_failed_one_by_one() {
    let place = place();
    let listed = place.run(&["jobs", "list", "--json"]).expect_code(0).json();
    let rows = listed["data"].as_array().expect("a list");
    let mail = rows.iter().find(|row| row["name"] == "auth.mail");
    let mail = mail.expect("the kind is listed");
    assert_eq!(
        (&mail["waiting"], &mail["running"], &mail["failed"]),
        (&1.into(), &0.into(), &1.into())
    );
    assert_eq!(mail["last_error"], "no server");
    let table = place.run(&["jobs", "list"]).expect_code(0).stdout;
    assert!(table.starts_with("NAME") && table.contains("of.tomorrow"));
    let failed = place
        .run(&["jobs", "list", "--failed", "--json"])
        .expect_code(0)
        .json();
    let failed = failed["data"].as_array().expect("a list");
    let names: Vec<_> = failed.iter().map(|row| &row["name"]).collect();
    assert_eq!(names, ["of.tomorrow", "auth.mail"], "the latest first");
    assert_eq!(failed[1]["attempts"], 8);
    assert!(
        failed[1]["id"]
            .as_str()
            .is_some_and(|id| id.ends_with("0001"))
    );
}

#[test]
fn a_job_that_failed_is_tried_again_once_it_is_asked_for() {
    let place = place();
    let id = "00000000-0000-7000-8000-000000000001";
    place.run(&["jobs", "retry", id]).expect_code(0);
    let row = "select concat_ws(' ', attempts - attempts_before, failed_at is null, run_at <= now()) from job";
    let row = format!("{row} where job_id = '{id}'");
    assert_eq!(place.ask(&row), "0 t t");
    let again = place.run(&["jobs", "retry", id]).expect_code(1);
    assert!(
        again.stderr.contains("has failed for good"),
        "{}",
        again.stderr
    );
    let ran = place.run(&["jobs", "retry", "999"]).expect_code(2);
    assert!(ran.stderr.contains("give an id, such as"), "{}", ran.stderr);
}

#[test]
fn only_what_failed_for_good_is_purged() {
    let place = place();
    let purge = |more: &[&str]| {
        let ran = place.run(&[&["jobs", "purge"], more].concat());
        ran.expect_code(0).stdout
    };
    assert_eq!(purge(&["--name", "nobody"]), "Jobs deleted: 0.\n");
    assert_eq!(purge(&["--name", "auth.mail"]), "Jobs deleted: 1.\n");
    assert_eq!(purge(&[]), "Jobs deleted: 1.\n");
    assert_eq!(
        place.ask("select string_agg(right(job_id::text, 1), '') from job"),
        "3"
    );
}

#[test]
fn a_periodic_job_runs_here_and_now_and_tells_how_it_ended() {
    let place = place();
    place.sql(
        "insert into outbox (event, payload, created_at, delivered_at)
         values ('old', '{}', now() - interval '3 hours', now() - interval '2 hours')",
    );
    let ran = place.run(&["jobs", "run", "outbox.forget"]).expect_code(0);
    assert_eq!(ran.stdout, "outbox.forget has run.\n");
    assert_eq!(place.ask("select count(*)::text from outbox"), "0");
    for name in ["nonsense", "auth.mail"] {
        let ran = place.run(&["jobs", "run", name]).expect_code(2);
        assert!(ran.stderr.contains("no periodic job"), "{}", ran.stderr);
    }
    place.sql("alter table outbox rename to elsewhere");
    let ran = place.run(&["jobs", "run", "outbox.forget"]).expect_code(1);
    assert!(
        ran.stderr.contains("outbox.forget failed"),
        "{}",
        ran.stderr
    );
}
