//! The example client itself, as a process, over restarts of the server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;

use super::{id_of, pair};
use crate::support::{PASSWORD, Program, Session, TestApp};

/// How long anything may take: whoever comes back to a server that is away waits longer each time.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running `examples/live`, and what it shows.
struct Live {
    child: Child,
    types: ChildStdin,
    lines: Receiver<String>,
    shown: Vec<String>,
}

/// Builds the example, unless that is done, and says where it is.
fn example() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--example", "live"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        // Statements are checked against what is written down: this database is not of today's schema.
        .env("SQLX_OFFLINE", "true")
        .env_remove("DATABASE_URL");
    let built = cargo.output().expect("cargo runs");
    let words = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{words}");
    // Tests lie in a folder beside the examples.
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(|deps| deps.parent());
    profile.expect("a folder").join("examples/live")
}

impl Live {
    fn start(url: &str, person: &Session, conv: &str) -> Self {
        let mut child = Command::new(example())
            .args([url, &person.username, PASSWORD, conv])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let (tell, lines) = channel();
        let stdout = child.stdout.take().expect("a pipe");
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| tell.send(line).is_ok()) {}
        });
        Self {
            types: child.stdin.take().expect("a pipe"),
            child,
            lines,
            shown: Vec::new(),
        }
    }

    /// Types a line.
    fn says(&mut self, words: &str) {
        writeln!(self.types, "{words}").expect("it is typed");
    }

    /// Waits until a line begins so.
    async fn begins(&mut self, words: &str) {
        let began = Instant::now();
        while !self.shown.iter().any(|line| line.starts_with(words)) {
            assert!(began.elapsed() < PATIENCE, "{words} is not shown");
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.shown.extend(self.lines.try_iter());
        }
    }

    /// Waits until it has shown that this was said.
    async fn shows(&mut self, words: &str) {
        let began = Instant::now();
        while self.count(words) == 0 {
            let is_late = began.elapsed() > PATIENCE;
            assert!(!is_late, "{words} is not shown: {:#?}", self.shown);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How often it has shown that this was said, by an answer or by an event. Conversations, which hold what was said
    /// last in them, are told besides.
    fn count(&mut self, words: &str) -> usize {
        self.shown.extend(self.lines.try_iter());
        let is_said =
            |line: &&String| line.starts_with("> ") || line.contains(" message.created: ");
        let lines = self.shown.iter().filter(is_said);
        lines.filter(|line| line.contains(words)).count()
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test]
async fn the_example_client_goes_on_after_a_server_that_is_killed_and_one_that_restarts() {
    let app = TestApp::start().await;
    let mut program = Program::start(&app, &[]);
    let url = program.url.clone();
    let address = url.replacen("http://", "", 1);
    let at = [("KITH_ADDR", address.as_str())];
    let (ada, bob) = app.friends("ada", "bob").await;
    let conv = pair(&ada, &bob).await;
    let path = format!("/v1/conversations/{}/messages", id_of(&conv));
    let say = async |content: &str| {
        let said = bob.post(&path, &json!({"content": content})).await;
        said.expect_status(201);
    };
    let mut live = Live::start(&url, &ada, &conv);
    // What it fetches first is shown as a whole.
    live.begins(&format!("= {conv}: ")).await;
    say("before the first").await;
    live.shows("before the first").await;
    let mut said = vec!["before the first".to_owned()];
    for (round, signal) in [Signal::SIGKILL, Signal::SIGTERM].into_iter().enumerate() {
        program.signal(signal);
        program.ended().await;
        say(&format!("meanwhile {round}")).await;
        live.says(&format!("typed {round}"));
        program = Program::start(&app, &at);
        assert_eq!(program.url, url, "it is where it was");
        live.shows(&format!("meanwhile {round}")).await;
        live.shows(&format!("typed {round}")).await;
        // What it has said is answered first, and then told: it counts once both have come.
        say(&format!("after {round}")).await;
        live.shows(&format!("after {round}")).await;
        said.extend(["meanwhile", "typed", "after"].map(|when| format!("{when} {round}")));
    }
    let kept = ada
        .get(&format!("{path}?limit=100"))
        .await
        .expect_status(200);
    let kept = kept.json["data"].as_array().expect("a list").clone();
    for words in said {
        let is_it = |message: &&serde_json::Value| message["content"] == words;
        assert_eq!(
            kept.iter().filter(is_it).count(),
            1,
            "{words} was said once"
        );
        assert_eq!(live.count(&words), 1, "{words}: {:#?}", live.shown);
    }
}
