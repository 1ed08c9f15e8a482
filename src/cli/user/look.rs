//! Looking at accounts.

use kith::admin::accounts::{self, Account};
use kith::kernel::cursor::CursorCodec;
use kith::kernel::page::{Direction, Slice, TimeKey};
use kith::platform::sessions::AccountState;
use serde_json::json;

use super::UserArg;
use crate::cli::exit::{Exit, refused};
use crate::cli::out;
use crate::cli::tool::{load_config, with_ctx};

/// Arguments of `kith user list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only those whose names or e-mail address hold this
    #[arg(long)]
    q: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on where the list before ended: the value that it printed
    #[arg(long)]
    after: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists accounts.
pub async fn list(args: ListArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let cursors = CursorCodec::new(ctx.config().secret_key.derive("cursor"));
        let name = format!("kith user list {:?}", args.q);
        let from = match &args.after {
            Some(text) => {
                cursors
                    .open::<TimeKey>(text, &name, args.limit)
                    .map_err(|_not_ours| refused("--after is not what this list printed before."))?
                    .from
            }
            None => None,
        };
        let slice = Slice {
            from,
            ..Slice::first(args.limit)
        };
        let mut conn = ctx.conn().await?;
        let page = accounts::list(&mut conn, args.q.as_deref(), &slice).await?;
        let next = page
            .next
            .map(|key| cursors.seal(Some(&key), Direction::Next, &name));
        if args.json {
            out::json(&json!({ "data": page.items, "next": next }))?;
            return Ok(Exit::Well);
        }
        let rows: Vec<_> = page.items.iter().map(row).collect();
        out::table(["ID", "USERNAME", "E-MAIL", "ROLE", "STATE", "MADE"], &rows)?;
        if let Some(next) = next {
            eprintln!("There are more: add --after {next}");
        }
        Ok(Exit::Well)
    })
    .await
}

fn row(account: &Account) -> [String; 6] {
    [
        account.id.to_string(),
        account.username.clone(),
        account.email.clone().unwrap_or_default(),
        account.role.to_string(),
        account.state.to_string(),
        account.created_at.to_string(),
    ]
}

/// Arguments of `kith user show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    #[command(flatten)]
    user: UserArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows one account.
pub async fn show(args: ShowArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let mut conn = ctx.conn().await?;
        let account = accounts::find(&mut conn, &args.user.who).await?;
        if args.json {
            out::json(&account)?;
        } else {
            describe(&account)?;
        }
        Ok(Exit::Well)
    })
    .await
}

fn describe(account: &Account) -> anyhow::Result<()> {
    let email = match &account.email {
        Some(email) if account.email_verified => format!("{email} (confirmed)"),
        Some(email) => format!("{email} (not confirmed)"),
        None => "none".to_owned(),
    };
    let until = account
        .suspended_until
        .map_or_else(|| "for good".to_owned(), |until| format!("until {until}"));
    let state = match (account.state, &account.suspended_reason) {
        (AccountState::Suspended, Some(reason)) => format!("suspended {until}: {reason}"),
        (AccountState::Suspended, None) => format!("suspended {until}"),
        (state, _) => state.to_string(),
    };
    for (label, value) in [
        ("id", account.id.to_string()),
        ("username", account.username.clone()),
        ("name", account.display_name.clone()),
        ("e-mail", email),
        ("role", account.role.to_string()),
        ("state", state),
        ("made", account.created_at.to_string()),
    ] {
        out::line(format_args!("{label:<9} {value}"))?;
    }
    Ok(())
}
