//! The load tool: drives kith over HTTP and tells what it does for it.
//!
//! ```sh
//! kith dev -- cargo bench --bench load -- mix dsb --graph facebook_combined.txt --seconds 60
//! kith dev -- cargo bench --bench load -- feed-vs-livez --graph facebook_combined.txt --json feed.json
//! cargo bench --bench load -- mix tao --url http://127.0.0.1:8080 --pid 4711 --rate 500
//! cargo bench --bench load -- --help
//! ```
//!
//! With `--graph` it makes a database of its own beside that of `DATABASE_URL`, loads the friendships with
//! ten posts a person, and starts `kith serve` itself on free ports, with limits off.
//! With `--url` it asks servers that run already: it then needs their `DATABASE_URL` and their keys, to
//! sign people in. Everybody in the database is signed in, with a session and a token of their own.
//!
//! An open run sends at its rate with exponential gaps, whether answers come or not, and counts each time
//! from the instant at which the request was due: a server that stalls cannot hide it. A closed run sends
//! as soon as answers come, and finds saturation. `mix.rs` holds the mixes as data; `scenarios` has a file
//! for each thing to be shown.
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures are for people: they need no 53 bits"
)]

#[path = "../../examples/live/answers.rs"]
mod answers;
mod args;
mod cpu;
mod draw;
mod drive;
#[path = "../../examples/live/follower.rs"]
#[expect(dead_code, reason = "readers keep nothing over their own end")]
mod follower;
mod measure;
mod mix;
#[path = "../../examples/live/outbox.rs"]
mod outbox;
mod peek;
mod probe;
mod report;
mod scenarios;
mod server;
mod site;
mod tally;
mod wire;
mod world;
mod ws;

use std::process::ExitCode;

use clap::Parser as _;

use args::Cli;

fn main() -> ExitCode {
    // `cargo bench` adds a flag of its own.
    let cli = Cli::parse_from(std::env::args_os().filter(|arg| arg != "--bench"));
    // The generator keeps to one thread: the rest is for what it measures.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(scenarios::run(cli)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
