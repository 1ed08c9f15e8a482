//! The command line, by the real program.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod accounts;
mod backup;
mod cache;
mod database;
mod jobs;
mod redis;
mod support;

use support::Place;

#[test]
fn everything_wrong_with_the_settings_is_told_at_once() {
    let place = Place::new()
        .with("KITH_ADDR", "nowhere")
        .with("KITH_LIMITS", "perhaps");
    let ran = place.run(&["serve"]).expect_code(2);
    assert_eq!(ran.stdout, "");
    assert!(
        ran.stderr.contains("KITH_ADDR") && ran.stderr.contains("KITH_LIMITS"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_limits_file_is_looked_at_with_the_settings() {
    let place = Place::new().with("KITH_ADDR", "nowhere");
    std::fs::write(place.path("limits.toml"), "[pots]\nquota = 1").expect("writes");
    for (file, why) in [("absent.toml", "can't be read"), ("limits.toml", "[pots]")] {
        let place = Place::new()
            .with("KITH_ADDR", "nowhere")
            .with("KITH_LIMITS_FILE", &place.path(file));
        for command in ["config", "doctor", "serve"] {
            let ran = place.run(&[command]).expect_code(2);
            let told = ["KITH_ADDR", "KITH_LIMITS_FILE", why];
            assert!(
                told.iter().all(|it| ran.stderr.contains(it)),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_start_has_no_news_of_what_is_there_and_a_stop_is_told_to_its_end() {
    let place = Place::new();
    for _ in 0..2 {
        assert_eq!(place.serve().stop().code(), Some(0));
    }
    let log = place.log();
    assert!(!log.contains("skipping"), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

#[test]
fn an_address_that_is_taken_is_told_with_who_has_it_and_what_to_do() {
    let place = Place::new();
    let serving = place.serve();
    let taken = serving.url().trim_start_matches("http://").to_owned();
    let other = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let strange = other.local_addr().expect("an address").to_string();
    let place = Place::new().with("KITH_ADDR", &taken);
    let ran = place.run(&["serve"]).expect_code(1);
    let who = format!("A kith answers at {taken}");
    assert!(ran.stderr.contains(&who), "{}", ran.stderr);
    assert!(ran.stderr.contains("set KITH_ADDR"), "{}", ran.stderr);
    let ran = place.with("KITH_ADDR", &strange).run(&["serve"]);
    let ran = ran.expect_code(1);
    assert!(ran.stderr.contains("Another program"), "{}", ran.stderr);
}

#[test]
fn serve_tells_its_address_in_one_line_answers_and_ends_well_on_sigterm() {
    let place = Place::new();
    let serving = place.serve();
    assert!(
        serving.url().starts_with("http://127.0.0.1:"),
        "{}",
        serving.line
    );
    assert_eq!(serving.get("/livez"), 200);
    assert_eq!(serving.stop().code(), Some(0));
}

#[test]
fn serve_migrates_by_itself_in_dev_only() {
    let place = Place::new();
    let serving = place.serve();
    assert_eq!(serving.get("/readyz"), 200);
    serving.stop();

    let place = Place::new().in_production();
    let ran = place.run(&["serve"]).expect_code(1);
    assert!(ran.stderr.contains("kith migrate"), "{}", ran.stderr);
}

#[test]
fn serve_starts_in_production_once_the_schema_fits() {
    let place = Place::new().in_production();
    place.run(&["migrate"]).expect_code(0);
    let serving = place.serve();
    assert_eq!(serving.get("/readyz"), 200);
    assert_eq!(serving.stop().code(), Some(0));
}

#[test]
fn serve_refuses_in_production_what_was_seeded() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.run(&["seed", "--profile", "demo"]).expect_code(0);
    let place = place.in_production();
    let ran = place.run(&["serve"]).expect_code(1);
    assert!(ran.stderr.contains("demo data"), "{}", ran.stderr);
    let ran = place.run(&["doctor"]);
    assert!(ran.stdout.contains("demo data"), "{}", ran.stdout);
}

#[test]
fn serve_in_production_stays_up_without_its_database_but_is_not_ready() {
    let place = Place::new()
        .in_production()
        .with("DATABASE_URL", "postgres://x@127.0.0.1:1/x");
    let serving = place.serve();
    assert_eq!(serving.get("/livez"), 200);
    assert_eq!(serving.get("/readyz"), 503);
    assert_eq!(serving.stop().code(), Some(0));
}

#[test]
fn migrate_tells_what_is_pending_and_runs_it_once() {
    let place = Place::new();
    let checked = place.run(&["migrate", "--check"]).expect_code(3);
    assert!(checked.stdout.contains("pending"), "{}", checked.stdout);
    place.run(&["migrate", "--status"]).expect_code(0);
    assert!(
        place
            .run(&["migrate"])
            .expect_code(0)
            .stdout
            .contains("applied")
    );
    let again = place.run(&["migrate"]).expect_code(0);
    assert_eq!(again.stdout, "The schema is up to date.\n");
    place.run(&["migrate", "--check"]).expect_code(0);
    let status = place
        .run(&["migrate", "--status", "--json"])
        .expect_code(0)
        .json();
    let migrations = status["migrations"].as_array().expect("a list");
    assert!(
        migrations
            .iter()
            .all(|migration| migration["state"] == "applied"),
        "{status}"
    );
}

#[test]
fn a_database_newer_than_the_program_is_refused_by_all_who_would_use_it() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (99990101000000, 'from the future', true, '', 0)",
    );
    for args in [&["serve"][..], &["migrate"], &["user", "list"]] {
        let ran = place.run(args).expect_code(1);
        assert!(ran.stderr.contains("99990101000000"), "{}", ran.stderr);
    }
    place.run(&["migrate", "--check"]).expect_code(3);
}

#[test]
fn config_shows_every_setting_and_no_secret() {
    let place = Place::new()
        .with("REDIS_URL", "redis://:hunter2@localhost")
        .with("KITH_SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2");
    for args in [&["config"][..], &["config", "--json"]] {
        let ran = place.run(args).expect_code(0);
        assert!(ran.stdout.contains("KITH_SECRET_KEY"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    }
}

#[test]
fn a_long_value_ends_before_its_source_begins() {
    let origins = ["https://a.example.org"; 9].join(",");
    let place = Place::new().with("KITH_ALLOWED_ORIGINS", &origins);
    let shown = place.run(&["config"]).expect_code(0).stdout;
    assert!(
        shown.contains(&format!("{origins}  environment")),
        "{shown}"
    );
}

#[test]
fn openapi_prints_the_same_document_each_time_and_needs_no_settings() {
    let place = Place::new().with("KITH_ADDR", "nowhere");
    let first = place.run(&["openapi"]).expect_code(0);
    assert_eq!(first.json()["openapi"], "3.1.0");
    assert_eq!(first.stdout, place.run(&["openapi"]).stdout);
}

#[test]
fn metrics_prints_the_page_of_them_and_needs_no_settings() {
    let place = Place::new().with("KITH_ADDR", "nowhere");
    let page = place.run(&["metrics"]).expect_code(0).stdout;
    assert_eq!(page, include_str!("../../docs/metrics.md"));
}

#[test]
fn completions_are_printed_for_each_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let ran = place.run(&["completions", shell]).expect_code(0);
        assert!(ran.stdout.contains("migrate"), "{shell}");
    }
}

#[test]
fn doctor_finds_what_is_wrong_and_says_what_to_do() {
    let place = Place::new();
    let ran = place.run(&["doctor"]).expect_code(3);
    assert!(ran.stdout.contains("Run `kith migrate`."), "{}", ran.stdout);
    place.run(&["migrate"]).expect_code(0);
    let findings = place.run(&["doctor", "--json"]).expect_code(0).json();
    assert!(
        findings["findings"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    );
    let place = place.with("REDIS_URL", "redis://127.0.0.1:1");
    let ran = place.run(&["doctor"]).expect_code(3);
    assert!(ran.stdout.contains("Check REDIS_URL"), "{}", ran.stdout);
}

#[test]
fn doctor_tells_once_that_mail_reaches_nobody() {
    let place = Place::new().in_production();
    place.run(&["migrate"]).expect_code(0);
    let findings = place.run(&["doctor", "--json"]).expect_code(0).json();
    let findings = findings["findings"].as_array().expect("a list");
    let nobody = |row: &&serde_json::Value| row["what"].to_string().contains("reaches nobody");
    assert_eq!(findings.iter().filter(nobody).count(), 1, "{findings:?}");
}

#[test]
fn reset_wants_to_be_meant_and_is_refused_in_production() {
    let place = Place::new();
    place.run(&["migrate"]).expect_code(0);
    place.sql("insert into cache_epoch (run_id) values ('before')");
    place.run(&["reset"]).expect_code(2);
    place.run(&["reset", "--yes"]).expect_code(0);
    assert_eq!(place.ask("select count(*)::text from cache_epoch"), "0");
    place.run(&["migrate", "--check"]).expect_code(0);
    place
        .in_production()
        .run(&["reset", "--yes"])
        .expect_code(2);
}

#[test]
fn an_option_of_another_source_is_refused() {
    let place = Place::new();
    for source in [&["--ldbc", "folder"], &["--profile", "demo"]] {
        let args = [&["seed", "--posts-per-user", "3"][..], source].concat();
        let said = place.run(&args).expect_code(2).stderr;
        assert!(said.contains("--posts-per-user"), "{said}");
    }
}

#[test]
fn dev_is_refused_in_production_and_runs_a_command_with_its_exit_code() {
    let place = Place::new();
    let ran = place
        .run(&["dev", "--", "sh", "-c", "echo $DATABASE_URL; exit 7"])
        .expect_code(7);
    assert!(ran.stdout.starts_with("postgres://"), "{}", ran.stdout);
    place.in_production().run(&["dev"]).expect_code(2);
}
