//! `kith user`: accounts.

mod change;
mod look;

use clap::Subcommand;
use kith::admin::accounts::Who;

use super::exit::Exit;

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List accounts, newest first
    List(look::ListArgs),
    /// Show one account
    Show(look::ShowArgs),
    /// Change what an account may do
    Promote(change::PromoteArgs),
    /// Suspend an account and end its sessions
    Suspend(change::SuspendArgs),
    /// End a suspension
    Unsuspend(change::UnsuspendArgs),
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => look::list(args).await,
        Command::Show(args) => look::show(args).await,
        Command::Promote(args) => change::promote(args).await,
        Command::Suspend(args) => change::suspend(args).await,
        Command::Unsuspend(args) => change::unsuspend(args).await,
    }
}

/// The account that a command is about.
#[derive(Debug, clap::Args)]
pub struct UserArg {
    /// An id, a username or an e-mail address
    #[arg(value_name = "USER")]
    pub who: Who,
}
