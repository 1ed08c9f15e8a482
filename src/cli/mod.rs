//! The command line. Its modules print; the library never does.

mod announce;
mod args;
mod backup;
mod cache;
mod causes;
mod completions;
mod config;
mod demo;
mod dev;
mod doctor;
mod exit;
mod limits;
mod jobs;
mod log;
mod migrate;
mod metrics;
mod open_files;
mod openapi;
mod out;
mod recount;
mod reset;
mod schema;
mod seed;
mod serve;
mod sessions;
mod signals;
mod token;
mod tool;
mod user;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use exit::Exit;

/// The backend of a small Facebook.
///
/// Settings come from the environment, `kith.toml` and, in the dev profile, `.env`: see `kith config`
/// and docs/configuration.md. Without `DATABASE_URL` every command uses an embedded Postgres under
/// `KITH_DIR`.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::TABLE, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API until SIGTERM or Ctrl-C
    Serve,
    /// Run the migrations that are pending, or tell which they are
    Migrate(migrate::Args),
    /// Load demo data, a graph of friendships, or the LDBC social network
    Seed(seed::Args),
    /// Drop the database's schema and make it anew: deletes everything
    Reset(reset::Args),
    /// Look at accounts and change them
    #[command(subcommand)]
    User(user::Command),
    /// Look at signed-in devices and sign them out
    #[command(subcommand)]
    Sessions(sessions::Command),
    /// Make access tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Look at what is limited, and forget what was counted
    #[command(subcommand)]
    Limits(limits::Command),
    /// Look at background jobs, run them and try them again
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Look at what is cached, and whether it is right
    #[command(subcommand)]
    Cache(cache::Command),
    /// Count the counters of people, posts, comments and reactions anew
    Recount(recount::Args),
    /// Tell everybody who is connected something
    Announce(announce::Args),
    /// Write the whole database to a file
    Backup(backup::BackupArgs),
    /// Read a file that `kith backup` wrote into an empty database
    Restore(backup::RestoreArgs),
    /// Look at everything that kith depends on, and tell what to do about what is wrong
    Doctor(doctor::Args),
    /// Serve with private servers and demo data; or run a command beside throwaway servers
    Dev(dev::Args),
    /// Print the settings in effect and where they came from, without secrets
    Config(config::Args),
    /// Print the API's document, in JSON
    Openapi,
    /// Print what kith counts for Prometheus: the page docs/metrics.md
    Metrics,
    /// Print a script that completes commands for your shell
    Completions(completions::Args),
}

/// Parses the command line, runs the command and tells how it went.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error).into(),
    }
}

fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Config(args) => config::run(&args),
        Command::Openapi => openapi::run(),
        Command::Metrics => metrics::run(),
        Command::Completions(args) => completions::run(&args),
        Command::Serve => block_on(serve::run()),
        Command::Migrate(args) => block_on(migrate::run(args)),
        Command::Seed(args) => block_on(seed::run(args)),
        Command::Reset(args) => block_on(reset::run(args)),
        Command::User(command) => block_on(user::run(command)),
        Command::Sessions(command) => block_on(sessions::run(command)),
        Command::Token(command) => block_on(token::run(command)),
        Command::Limits(command) => block_on(limits::run(command)),
        Command::Jobs(command) => block_on(jobs::run(command)),
        Command::Cache(command) => block_on(cache::run(command)),
        Command::Recount(args) => block_on(recount::run(args)),
        Command::Announce(args) => block_on(announce::run(args)),
        Command::Backup(args) => block_on(backup::backup(args)),
        Command::Restore(args) => block_on(backup::restore(args)),
        Command::Doctor(args) => block_on(doctor::run(args)),
        Command::Dev(args) => block_on(dev::run(args)),
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
