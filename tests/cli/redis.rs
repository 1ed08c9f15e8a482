//! What commands say to a Redis, and of it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Redis};

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
