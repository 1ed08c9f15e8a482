//! What commands say to a Redis, and of it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Redis, Serving};

const SOMEBODY: &str = "account:somebody@example.org";

fn left(place: &Place) -> u64 {
    let shown = place
        .run(&["limits", "show", "sign_in", SOMEBODY, "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (&shown["policy"], &shown["quota"]),
        (&"sign_in".into(), &5.into())
    );
    shown["remaining"].as_u64().expect("a number")
}

#[test]
fn limits_show_what_the_server_has_counted_and_forget_it() {
    let redis = Redis::start();
    let place = Place::new().with("REDIS_URL", &redis.url());
    let serving = place.serve();
    assert_eq!(left(&place), 5);
    let body = r#"{"login":"somebody@example.org","password":"not the right one"}"#;
    for _ in 0..4 {
        assert_eq!(serving.post("/v1/auth/login", body), 401);
        if left(&place) < 4 {
            break;
        }
    }
    let now = left(&place);
    assert!((1..4).contains(&now), "{now}");
    let said = place.run(&["limits", "show", "sign_in", SOMEBODY]).stdout;
    assert!(
        said.starts_with(&format!("{now} of 5 are left; more in ")),
        "{said}"
    );
    place
        .run(&["limits", "reset", "sign_in", "account:somebody.else"])
        .expect_code(0);
    assert_eq!(left(&place), now);
    let ran = place
        .run(&["limits", "reset", "sign_in", SOMEBODY])
        .expect_code(0);
    assert_eq!(ran.stdout, "Forgotten.\n");
    assert_eq!(left(&place), 5);
}

/// A Sentinel that watches a Redis under the name `main`.
struct Sentinel {
    child: Child,
    url: String,
    _dir: tempfile::TempDir,
}

impl Sentinel {
    fn over(redis: &Redis) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let watched = reqwest::Url::parse(&redis.url()).expect("a URL");
        let (at, password) = (watched.port().expect("a port"), watched.password());
        let password = password.expect("a password");
        let file = dir.path().join("sentinel.conf");
        let settings = format!(
            "bind 127.0.0.1\nport {port}\nsentinel monitor main 127.0.0.1 {at} 1\n\
             sentinel auth-pass main {password}\n"
        );
        std::fs::write(&file, settings).expect("settings");
        let mut command = Command::new("redis-server");
        command.arg(&file).arg("--sentinel").current_dir(dir.path());
        let child = command.stdout(Stdio::null()).spawn();
        let sentinel = Self {
            child: child.expect("redis-server starts"),
            url: format!("redis+sentinel://:{password}@127.0.0.1:{port}/main"),
            _dir: dir,
        };
        let began = Instant::now();
        while !is_watched(port) {
            assert!(began.elapsed() < Duration::from_secs(10), "not watched");
            std::thread::sleep(Duration::from_millis(20));
        }
        sentinel
    }
}

/// Whether the Sentinel at this port reaches what it watches.
fn is_watched(port: u16) -> bool {
    let client = redis::Client::open(("127.0.0.1", port)).expect("an address");
    let Ok(mut conn) = client.get_connection() else {
        return false;
    };
    let mut ask = redis::cmd("SENTINEL");
    ask.arg("CKQUORUM").arg("main");
    ask.query::<String>(&mut conn).is_ok()
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn limits_are_shown_and_forgotten_where_sentinels_name_the_redis() {
    let redis = Redis::start();
    let sentinel = Sentinel::over(&redis);
    let place = Place::new().with("REDIS_URL", &sentinel.url);
    assert_eq!(left(&place), 5);
    let ran = place
        .run(&["limits", "reset", "sign_in", SOMEBODY])
        .expect_code(0);
    assert_eq!(ran.stdout, "Forgotten.\n");
}

#[test]
fn limits_are_listed_without_redis_and_counts_are_not() {
    let place = Place::new();
    let listed = place
        .run(&["limits", "show", "--json"])
        .expect_code(0)
        .json();
    let rows = listed["data"].as_array().expect("a list");
    let general = rows.iter().find(|row| row["policy"] == "general");
    let general = general.expect("it is listed");
    assert_eq!(
        (&general["quota"], &general["window_seconds"]),
        (&300.into(), &300.into())
    );
    for command in ["show", "reset"] {
        let asked = ["limits", command, "sign_in", SOMEBODY];
        let ran = place.run(&asked).expect_code(2);
        assert!(ran.stderr.contains("REDIS_URL"), "{}", ran.stderr);
        place
            .run(&["limits", command, "nonsense", SOMEBODY])
            .expect_code(2);
        place
            .run(&["limits", command, "sign_in", "nonsense"])
            .expect_code(2);
    }
    let place = place.with("REDIS_URL", "redis://127.0.0.1:1");
    place
        .run(&["limits", "reset", "sign_in", SOMEBODY])
        .expect_code(1);
}

#[test]
fn doctor_finds_the_private_redis_well_set_and_another_one_not() {
    let redis = Redis::start();
    let place = Place::new().with("REDIS_URL", &redis.url());
    place.run(&["migrate"]).expect_code(0);
    let said = |code| {
        let ran = place.run(&["doctor", "--json"]).expect_code(code).json();
        let findings = ran["findings"].as_array().expect("a list").clone();
        let ours = findings.into_iter().filter(|row| row["part"] == "Redis");
        ours.collect::<Vec<_>>()
    };
    let findings = said(0);
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        findings.iter().all(|row| row["grade"] == "ok"),
        "{findings:?}"
    );
    redis.set("maxmemory-policy", "noeviction");
    redis.set("save", "900 1");
    let findings = said(3);
    let fix = |grade: &str| {
        let found = findings.iter().find(|row| row["grade"] == grade);
        found.map(|row| row["fix"].to_string()).unwrap_or_default()
    };
    assert!(fix("problem").contains("allkeys-lfu"), "{findings:?}");
    assert!(fix("warning").contains("appendonly no"), "{findings:?}");
    redis.set("maxmemory", "0");
    let findings = said(0);
    assert!(
        findings
            .iter()
            .any(|row| row["fix"].to_string().contains("maxmemory 256mb")),
        "{findings:?}"
    );
    let wrong = redis.url().replace("redis://:", "redis://:not-");
    let ran = place.with("REDIS_URL", &wrong).run(&["doctor"]);
    let ran = ran.expect_code(3);
    assert!(ran.stdout.contains("password included"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("redis://"), "{}", ran.stdout);
}

#[test]
fn commands_use_the_redis_of_kith_dev_in_its_folder_as_they_use_its_postgres() {
    let place = Place::new();
    // Postgres runs under an account of its own here, which has to reach its folder.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
    std::fs::set_permissions(place.dir.path(), open).expect("is opened");
    let redis = Redis::start_beside(&place);
    place
        .run(&["limits", "reset", "sign_in", SOMEBODY])
        .expect_code(2);
    let place = place.with("DATABASE_URL", "");
    place
        .run(&["limits", "reset", "sign_in", SOMEBODY])
        .expect_code(0);
    assert_eq!(left(&place), 5);
    place.run(&["migrate"]).expect_code(0);
    let stats = place.run(&["cache", "stats", "--json"]).expect_code(0);
    assert!(stats.json()["used_memory"].as_u64() > Some(0));
    let said = place.run(&["doctor"]).expect_code(0).stdout;
    assert!(said.contains("Redis: it answers"), "{said}");
    assert!(!redis.has("nothing"), "it goes on after them");
}

#[test]
fn a_limit_refuses_whom_it_does_not_count_with_what_to_give() {
    let place = Place::new();
    let user = "user:01938b2f-5a00-7000-8000-000000000001";
    for (limit, subject, wanted) in [
        ("post", "account:ada", "kith user show ada"),
        ("sign_in", user, "`account:NAME`"),
        ("sign_in_address", "account:ada", "`address:ADDRESS`"),
    ] {
        for command in ["show", "reset"] {
            let ran = place.run(&["limits", command, limit, subject]);
            let said = ran.expect_code(2).stderr;
            assert!(said.contains(wanted), "{said}");
        }
    }
}

#[test]
fn a_redis_that_refuses_who_asks_was_reached() {
    let redis = Redis::start();
    let wrong = redis.url().replace("redis://:", "redis://:not-");
    let place = Place::new().with("REDIS_URL", &wrong);
    let ran = place.run(&["limits", "show", "sign_in", SOMEBODY]);
    let said = ran.expect_code(1).stderr;
    assert!(said.contains("Redis answers"), "{said}");
    assert!(!said.contains("reached"), "{said}");
}

#[test]
fn a_redis_that_is_ready_before_postgres_is_pending_and_not_down() {
    let redis = Redis::start();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ops = free.local_addr().expect("an address").to_string();
    drop(free);
    let place = Place::new()
        .in_production()
        .with("DATABASE_URL", "postgres://x@127.0.0.1:1/x")
        .with("REDIS_URL", &redis.url())
        .with("KITH_OPS_ADDR", &ops);
    let serving = place.serve();
    let began = Instant::now();
    while serving.json("/readyz")["parts"]["redis"] != "pending" {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", place.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(serving.get("/readyz"), 503);
    assert_eq!(serving.json("/health/redis")["status"], "pending");
    let metrics = crate::support::fetch(&format!("http://{ops}/metrics"));
    assert!(metrics.contains("kith_redis_breaker_state 2"), "{metrics}");
    drop(redis);
    let began = Instant::now();
    while serving.json("/readyz")["parts"]["redis"] != "down" {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", place.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(serving.json("/health/redis")["status"], "degraded");
}

/// Waits until a server has its Redis.
fn wait_for_redis(place: &Place, serving: &Serving) {
    let began = Instant::now();
    while serving.json("/readyz")["parts"]["redis"] != "ok" {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", place.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_redis_that_stays_up_tells_nothing_of_a_database_that_was_reset() {
    let redis = Redis::start();
    let place = Place::new();
    let prefix = place.name().to_owned();
    let place = place
        .with("REDIS_URL", &redis.url())
        .with("KITH_REDIS_PREFIX", &prefix);
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into account (user_id, username, display_name, created_at, updated_at)
         values (gen_random_uuid(), 'anna', 'Anna', now(), now());
         insert into user_settings (user_id, updated_at) select user_id, now() from account;
         insert into user_counter (user_id) select user_id from account;
         delete from cache_void",
    );
    let serving = place.serve();
    wait_for_redis(&place, &serving);
    // Twice: some things are kept from their second reading on.
    for _ in 0..2 {
        assert_eq!(serving.get("/v1/users/@anna"), 200);
    }
    let epoch = place.ask("select max(epoch)::text from cache_epoch");
    let key = format!("{prefix}:dev:{epoch}:username:v1:anna");
    let began = Instant::now();
    while !redis.has(&key) {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{key} is not kept"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    serving.stop();

    place.run(&["reset", "--yes", "--people"]).expect_code(0);
    let serving = place.serve();
    wait_for_redis(&place, &serving);
    assert_eq!(serving.get("/v1/users/@anna"), 404);
    serving.stop();
}
