//! The private servers, with the real programs of this machine.
#![expect(
    clippy::unwrap_used,
    reason = "clippy takes the helpers of tests for no tests"
)]

mod starter;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::starter::Starter;
use kith::infra::servers::{
    PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions, run_with,
};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn postgres_starts_with_a_database_of_its_own_and_stop_really_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    assert_eq!(database(&postgres.url()).await, "kith");
    assert_eq!(database(&postgres.tcp_url()).await, "kith");
    let pid = postgres.process_id();
    assert!(runs(pid));
    assert_eq!(group(pid), pid, "a Ctrl-C would reach it");
    postgres.stop().await.unwrap();
    assert!(!runs(pid));
    // What was written is there after the next start.
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    assert!(!postgres.was_adopted());
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn tcp_clients_without_the_password_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(throwaway(dir.path())).await.unwrap();
    let url = postgres.tcp_url();
    let (_, host) = url.split_once('@').unwrap();
    for stranger in ["postgres://kith", "postgres://kith:guess"] {
        let refused = PgConnection::connect(&format!("{stranger}@{host}")).await;
        assert!(refused.is_err());
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_is_quick() {
    let dir = tempfile::tempdir().unwrap();
    let first = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    first.stop().await.unwrap();
    let start = Instant::now();
    let second = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let took = start.elapsed();
    second.stop().await.unwrap();
    // Half a second on a machine at rest; tests share theirs.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_server_whose_starter_was_killed_is_adopted() {
    let dir = tempfile::tempdir().unwrap();
    let starter = Starter::start(dir.path());
    let (postgres_pid, redis_pid) = starter.kill();
    assert!(runs(postgres_pid) && runs(redis_pid));

    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let redis = PrivateRedis::start(cache(dir.path())).await.unwrap();
    assert!(postgres.was_adopted() && redis.was_adopted());
    assert_eq!(postgres.process_id(), postgres_pid);
    assert_eq!(redis.process_id(), redis_pid);
    assert_eq!(database(&postgres.url()).await, "kith");
    assert_eq!(database(&postgres.tcp_url()).await, "kith");
    postgres.stop().await.unwrap();
    redis.stop().await.unwrap();
    assert!(!runs(postgres_pid) && !runs(redis_pid));
}

#[tokio::test]
async fn a_server_that_two_use_stops_with_the_last_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let first = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let second = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let pid = first.process_id();
    assert!(second.was_adopted());
    first.stop().await.unwrap();
    assert!(runs(pid));
    assert_eq!(database(&second.url()).await, "kith");
    second.stop().await.unwrap();
    assert!(!runs(pid));
}

#[tokio::test]
async fn the_data_survives_a_killed_server() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let mut conn = PgConnection::connect(&postgres.url()).await.unwrap();
    sqlx::raw_sql("create table kept (id int)")
        .execute(&mut conn)
        .await
        .unwrap();
    signal(postgres.process_id(), "KILL");
    drop(conn);
    postgres.stop().await.unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    let mut conn = PgConnection::connect(&postgres.url()).await.unwrap();
    sqlx::raw_sql("select from kept")
        .execute(&mut conn)
        .await
        .unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn the_folder_of_another_major_version_is_refused_with_the_steps() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    postgres.stop().await.unwrap();
    let version = dir.path().join("postgres/data/PG_VERSION");
    std::fs::write(&version, "9\n").unwrap();
    let error = refusal(lasting(dir.path())).await;
    for step in ["Postgres 9", "postgresql-9", "pg_dump", "rm -r"] {
        assert!(error.contains(step), "{error}");
    }
}

#[tokio::test]
async fn a_throwaway_server_never_takes_lasting_data_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    postgres.stop().await.unwrap();
    let error = refusal(throwaway(dir.path())).await;
    assert!(error.contains("is to last"), "{error}");
    assert!(dir.path().join("postgres/data/PG_VERSION").exists());
}

#[tokio::test]
async fn missing_programs_are_named_with_the_way_to_install_them() {
    let dir = tempfile::tempdir().unwrap();
    let options = PostgresOptions {
        programs: Some(vec![dir.path().to_owned()]),
        ..lasting(dir.path())
    };
    let error = refusal(options).await;
    assert!(error.contains("apt-get install postgresql"), "{error}");
    let options = RedisOptions {
        programs: Some(Vec::new()),
        ..cache(dir.path())
    };
    let error = PrivateRedis::start(options)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("apt-get install redis-server"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_start_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = PrivatePostgres::start(lasting(dir.path())).await.unwrap();
    postgres.stop().await.unwrap();
    let settings = dir.path().join("postgres/data/postgresql.conf");
    std::fs::write(&settings, "work_mem = plenty\n").unwrap();
    let error = refusal(lasting(dir.path())).await;
    assert!(
        error.contains("did not start") && error.contains("work_mem"),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_out_of_reach_is_kept_elsewhere_and_linked() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let hidden = tempfile::tempdir().unwrap();
    let options = || throwaway(&hidden.path().join("checkout/.kith").join(LONG_NAME));
    private(hidden.path());
    let postgres = PrivatePostgres::start(options()).await.unwrap();
    let link = options().dir;
    let real = std::fs::read_link(&link).unwrap();
    assert!(real.starts_with("/var/lib/kith"), "{real:?}");
    let second = PrivatePostgres::start(options()).await.unwrap();
    assert_eq!(postgres.process_id(), second.process_id());
    second.stop().await.unwrap();
    postgres.stop().await.unwrap();
    assert!(!real.exists() && link.symlink_metadata().is_err());
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_hindrance() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join(LONG_NAME).join("a folder, with spaces");
    let postgres = PrivatePostgres::start(throwaway(&deep)).await.unwrap();
    assert_eq!(database(&postgres.url()).await, "kith");
    let (_, socket) = postgres.url().split_once("host=").map(owned).unwrap();
    assert!(socket.starts_with("/tmp/kith-"));
    drop(postgres);
    assert!(!Path::new(&socket).exists() && !deep.join("postgres").exists());
}

#[tokio::test]
async fn redis_starts_answers_only_those_who_know_its_password_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let redis = PrivateRedis::start(cache(dir.path())).await.unwrap();
    let url = redis.url();
    let (password, address) = url
        .trim_start_matches("redis://:")
        .trim_end_matches('/')
        .split_once('@')
        .map(owned)
        .unwrap();
    let known = format!("AUTH {password}\r\nCONFIG GET maxmemory-policy\r\nQUIT\r\n");
    assert!(ask(&address, &known).await.contains("allkeys-lfu"));
    assert!(ask(&address, "PING\r\nQUIT\r\n").await.contains("NOAUTH"));
    let pid = redis.process_id();
    assert_eq!(group(pid), pid, "a Ctrl-C would reach it");
    redis.stop().await.unwrap();
    assert!(!runs(pid));
}

#[tokio::test]
async fn a_command_runs_beside_servers_that_end_with_it() {
    let out = tempfile::NamedTempFile::new().unwrap();
    let script = format!(
        "echo $DATABASE_URL $REDIS_URL > {} && exit 7",
        out.path().display()
    );
    let command = ["sh", "-c", &script].map(Into::into);
    assert_eq!(run_with(&command).await.unwrap(), 7);
    let said = std::fs::read_to_string(out.path()).unwrap();
    let (postgres, redis) = said.trim().split_once(' ').unwrap();
    assert!(redis.starts_with("redis://:"));
    assert!(PgConnection::connect(postgres).await.is_err());

    let killed = ["sh", "-c", "kill -TERM $$"].map(Into::into);
    assert_eq!(run_with(&killed).await.unwrap(), 143);
    let error = run_with(&["no-such-program".into()]).await.unwrap_err();
    assert!(format!("{error:#}").contains("no-such-program"));
}

#[tokio::test]
async fn a_signal_reaches_the_command_and_the_servers_stop_after_it() {
    let dir = tempfile::tempdir().unwrap();
    for (name, code) in [("TERM", 43), ("INT", 42)] {
        let runner = Starter::start_as("runner", dir.path());
        let (status, pids) = runner.end_by(name);
        assert_eq!(status.code(), Some(code), "SIG{name}");
        assert!(!runs(pids.0) && !runs(pids.1));
    }
}

#[tokio::test]
async fn servers_of_a_killed_run_are_swept_away_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path());
    let left = Starter::start_as("runner", dir.path()).kill();
    assert!(runs(left.0) && runs(left.1));
    let is_run = |path: &PathBuf| path.to_string_lossy().contains("kith-dev-");
    let entries = std::fs::read_dir(dir.path()).unwrap();
    let folder = entries.map(|e| e.unwrap().path()).find(is_run).unwrap();
    let old = std::time::UNIX_EPOCH + Duration::from_hours(1);
    std::fs::File::open(&folder)
        .unwrap()
        .set_modified(old)
        .unwrap();

    let (_, next) = Starter::start_as("runner", dir.path()).end_by("TERM");
    assert_ne!(left, next);
    assert!(!runs(left.0) && !runs(left.1) && !folder.exists());
}

const LONG_NAME: &str =
    "a-name-that-is-long-enough-for-any-path-of-a-socket-to-be-refused-by-the-system";

fn lasting(dir: &Path) -> PostgresOptions {
    open(dir);
    PostgresOptions::new(dir.join("postgres"))
}

fn throwaway(dir: &Path) -> PostgresOptions {
    open(dir);
    PostgresOptions {
        throwaway: true,
        ..PostgresOptions::new(dir.join("postgres"))
    }
}

fn cache(dir: &Path) -> RedisOptions {
    open(dir);
    RedisOptions::new(dir.join("redis"))
}

/// A temporary folder is closed to others; a checkout usually isn't.
fn open(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if dir.exists() {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

fn private(dir: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).unwrap();
}

async fn refusal(options: PostgresOptions) -> String {
    let error = PrivatePostgres::start(options).await.err().unwrap();
    format!("{error:#}")
}

async fn database(url: &str) -> String {
    let mut conn = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut conn)
        .await
        .unwrap()
}

async fn ask(address: &str, question: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Whether a process exists and has not ended.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The process group of a process.
fn group(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, after_name) = stat.rsplit_once(") ").unwrap();
    after_name.split(' ').nth(2).unwrap().parse().unwrap()
}

fn signal(pid: i32, name: &str) {
    let status = std::process::Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn owned((left, right): (&str, &str)) -> (String, String) {
    (left.to_owned(), right.to_owned())
}
