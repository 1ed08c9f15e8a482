//! `kith token`: access tokens for scripts and trials.

use clap::Subcommand;
use kith::admin::accounts::{self, Who};
use kith::platform::sessions::{self, AccountState, Device};
use kith::platform::write::transaction;
use serde_json::json;

use super::exit::{Exit, refused};
use super::out;
use super::tool::{load_config, with_ctx};

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign an account in without its password and print an access token
    Mint(MintArgs),
}

/// Arguments of `kith token mint`.
#[derive(Debug, clap::Args)]
pub struct MintArgs {
    /// An id, a username or an e-mail address
    #[arg(long)]
    user: Who,
    /// How long the token lives
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(i64).range(1..=43_200))]
    minutes: i64,
    /// Do it in production too
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    let Command::Mint(args) = command;
    let config = load_config()?;
    if config.is_production() && !args.yes {
        return Err(refused(
            "this signs somebody in without their password, and the profile is production. Add \
             --yes if you mean it.",
        ));
    }
    with_ctx(config, async move |ctx| {
        let account = accounts::find(&mut *ctx.conn().await?, &args.user).await?;
        let until = account.suspended_until;
        if account.state == AccountState::Deleted || account.state.is_suspended(until, ctx.now()) {
            anyhow::bail!("{} is {}", account.username, account.state);
        }
        let device = Device {
            id: None,
            name: Some("kith token mint".to_owned()),
            address: "127.0.0.1".to_owned(),
            agent: concat!("kith/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        let (token, session_id) = transaction(ctx, async |tx| {
            let session_id = sessions::open(tx, account.id, &device).await?.session_id;
            let seconds = args.minutes * 60;
            let token = sessions::mint(tx.ctx(), account.id, session_id, tx.now(), seconds)?;
            Ok((token, session_id))
        })
        .await?;
        if args.json {
            out::json(&json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": args.minutes * 60,
                "session_id": session_id,
            }))?;
        } else {
            out::line(token)?;
        }
        Ok(Exit::Well)
    })
    .await
}
