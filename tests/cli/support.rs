//! The real program on a database and a folder of its own.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use kith::infra::servers::{PrivateRedis, RedisOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// What `kith serve` says beside its one line, in the folder.
const LOG: &str = "serve.log";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A database without any table, a folder, and settings that name both.
pub struct Place {
    server: String,
    name: String,
    pub dir: tempfile::TempDir,
    settings: Vec<(String, String)>,
}

impl Place {
    pub fn new() -> Self {
        let server = std::env::var("DATABASE_URL")
            .expect("DATABASE_URL names a server for tests: run them by `make test`");
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("kith_cli_{}_{number}", std::process::id());
        sql(
            &server,
            &format!("drop database if exists {name} with (force)"),
        );
        sql(&server, &format!("create database {name}"));
        let dir = tempfile::tempdir().expect("a folder");
        let place = Self {
            server,
            name,
            dir,
            settings: Vec::new(),
        };
        let (url, dir) = (place.url(), place.path(".kith"));
        place
            .with("DATABASE_URL", &url)
            .with("KITH_DIR", &dir)
            .with("KITH_ADDR", "127.0.0.1:0")
            .with("KITH_OPS_ADDR", "127.0.0.1:0")
    }

    /// The same place with one more setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The settings that production asks for.
    pub fn in_production(self) -> Self {
        self.with("KITH_ENV", "production")
            .with("KITH_JWT_KEYS", "a:Zk3vJ8sQ1xWnT5bY7rLpE2mHcU9dGfA4")
            .with("KITH_SECRET_KEY", "q7Rw2Xz9Lm4Ks6Tn8Vb1Yc3Hd5Jf0Gp2")
    }

    pub fn url(&self) -> String {
        let mut url = reqwest::Url::parse(&self.server).expect("DATABASE_URL is a URL");
        url.set_path(&self.name);
        url.to_string()
    }

    /// The name of the database, which no other place has.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file or folder in the folder.
    pub fn path(&self, name: &str) -> String {
        self.dir
            .path()
            .join(name)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    }

    /// Runs statements on the database.
    pub fn sql(&self, statements: &str) {
        sql(&self.url(), statements);
    }

    /// The first column of the first row, as text.
    pub fn ask(&self, question: &str) -> String {
        let url = self.url();
        block_on(async {
            let mut conn = PgConnection::connect(&url)
                .await
                .expect("the database answers");
            let question = AssertSqlSafe(question.to_owned());
            sqlx::query_scalar(question)
                .fetch_one(&mut conn)
                .await
                .expect("the question is answered")
        })
    }

    /// What the last `kith serve` has logged by now.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path(LOG)).expect("a log")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("kith runs");
        Ran::of(args, output)
    }

    /// Runs a command to its end and feeds it this.
    pub fn run_with_input(&self, args: &[&str], input: &str) -> Ran {
        use std::io::Write as _;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kith runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(input.as_bytes()).expect("kith reads");
        drop(stdin);
        Ran::of(args, child.wait_with_output().expect("kith ends"))
    }

    /// Starts `kith serve` and waits for the line that tells its address.
    pub fn serve(&self) -> Serving {
        let mut child = self
            .command(&["serve"])
            .stdout(Stdio::piped())
            .stderr(File::create(self.path(LOG)).expect("a log"))
            .spawn()
            .expect("kith starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        Serving {
            child,
            line: line.trim_end().to_owned(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A failed test leaves its database for somebody to look at.
        if !std::thread::panicking() {
            sql(
                &self.server,
                &format!("drop database if exists {} with (force)", self.name),
            );
        }
    }
}

/// A Redis of a test's own, which ends with it.
pub struct Redis {
    server: PrivateRedis,
    _dir: tempfile::TempDir,
}

impl Redis {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let at = dir.path().join("redis");
        Self::start_in(&at, dir)
    }

    /// One that `kith dev` might have started in the folder of `place`.
    pub fn start_beside(place: &Place) -> Self {
        let at = Path::new(&place.path(".kith")).join("redis");
        Self::start_in(&at, tempfile::tempdir().expect("a folder"))
    }

    fn start_in(at: &Path, dir: tempfile::TempDir) -> Self {
        let mut options = RedisOptions::new(at);
        options.throwaway = true;
        let server = block_on(PrivateRedis::start(options)).expect("Redis starts");
        Self { server, _dir: dir }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Changes one of its settings.
    pub fn set(&self, name: &str, value: &str) {
        block_on(async {
            let client = redis::Client::open(self.url()).expect("a URL");
            let conn = client.get_multiplexed_async_connection().await;
            let mut command = redis::cmd("CONFIG");
            command.arg("SET").arg(name).arg(value);
            let set: redis::RedisResult<()> =
                command.query_async(&mut conn.expect("Redis answers")).await;
            set.expect("the setting is taken");
        });
    }

    /// Whether something lies under a key.
    pub fn has(&self, key: &str) -> bool {
        let client = redis::Client::open(self.url()).expect("an address");
        let mut conn = client.get_connection().expect("Redis answers");
        let found = redis::cmd("EXISTS").arg(key).query(&mut conn);
        found.expect("an answer")
    }

    /// Puts one word in place of another of the same length in what lies under a key.
    pub fn change(&self, key: &str, from: &str, to: &str) {
        let client = redis::Client::open(self.url()).expect("an address");
        let mut conn = client.get_connection().expect("Redis answers");
        let found: Option<Vec<u8>> = redis::cmd("GET")
            .arg(key)
            .query(&mut conn)
            .expect("an answer");
        let mut bytes = found.expect("something lies there");
        let place = bytes
            .windows(from.len())
            .position(|some| some == from.as_bytes());
        let place = place.expect("the word is in it");
        bytes[place..place + from.len()].copy_from_slice(to.as_bytes());
        let mut set = redis::cmd("SET");
        set.arg(key).arg(bytes).arg("KEEPTTL");
        set.query::<()>(&mut conn).expect("it is stored");
    }
}

/// How a command ended and what it said.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    asked: String,
}

impl Ran {
    fn of(args: &[&str], output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            asked: args.join(" "),
        }
    }

    /// Fails the test unless the command ended with this code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "kith {}: {}{}",
            self.asked, self.stdout, self.stderr
        );
        self
    }

    /// What it said, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("JSON")
    }
}

/// A running `kith serve`, killed when the test gives up on it.
pub struct Serving {
    child: Child,
    pub line: String,
}

impl Serving {
    /// The address that it told.
    pub fn url(&self) -> &str {
        self.line
            .strip_prefix("kith is listening on ")
            .expect("the line tells the address")
    }

    /// The status of an answer.
    pub fn get(&self, path: &str) -> u16 {
        let url = format!("{}{path}", self.url());
        block_on(async {
            reqwest::get(url)
                .await
                .expect("an answer")
                .status()
                .as_u16()
        })
    }

    /// The body of an answer, as JSON.
    pub fn json(&self, path: &str) -> serde_json::Value {
        let url = format!("{}{path}", self.url());
        block_on(async {
            let answer = reqwest::get(url).await.expect("an answer");
            answer.json().await.expect("JSON")
        })
    }

    /// The status of the answer to a JSON body.
    pub fn post(&self, path: &str, body: &str) -> u16 {
        let request = reqwest::Client::new()
            .post(format!("{}{path}", self.url()))
            .header("Content-Type", "application/json")
            .body(body.to_owned());
        block_on(async { request.send().await.expect("an answer").status().as_u16() })
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"));
        kill(pid, Signal::SIGTERM).expect("the signal arrives");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                return status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "kith does not stop"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The text that is at an address.
pub fn fetch(url: &str) -> String {
    block_on(async {
        let answer = reqwest::get(url).await.expect("an answer");
        answer.text().await.expect("a text")
    })
}

fn sql(url: &str, statements: &str) {
    block_on(async {
        let mut conn = PgConnection::connect(url)
            .await
            .expect("the test server answers");
        let statements = AssertSqlSafe(statements.to_owned());
        conn.execute(sqlx::raw_sql(statements))
            .await
            .expect("the statements run");
    });
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(work)
}
