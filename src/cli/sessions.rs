//! `kith sessions`: signed-in devices.

use clap::{ArgGroup, Subcommand};
use kith::admin::accounts::{self, Who};
use kith::infra::db::Conn;
use kith::kernel::page::{Slice, TimeKey};
use kith::kernel::{SessionId, Timestamp, UserId};
use kith::platform::sessions::{self, EndReason, ListedSession};
use kith::platform::write::transaction;
use serde_json::json;

use super::exit::Exit;
use super::tool::{load_config, with_ctx};
use super::user::UserArg;
use super::{args, out};

/// Sessions that are read at a time.
const PAGE: u16 = 100;

/// What to do with sessions.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the living sessions of an account
    List(ListArgs),
    /// End one session, or all of an account
    Revoke(RevokeArgs),
}

/// Arguments of `kith sessions list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(flatten)]
    user: UserArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `kith sessions revoke`.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("which").required(true).args(["id", "user"]))]
pub struct RevokeArgs {
    /// The session, as `kith sessions list USER` shows it
    #[arg(value_parser = args::id::<SessionId>)]
    id: Option<SessionId>,
    /// All sessions of this account: an id, a username or an e-mail address
    #[arg(long)]
    user: Option<Who>,
}

/// Runs the command.
pub async fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list(args).await,
        Command::Revoke(args) => revoke(args).await,
    }
}

async fn list(args: ListArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let mut conn = ctx.conn().await?;
        let account = accounts::find(&mut conn, &args.user.who).await?;
        let found = list_all(&mut conn, account.id, ctx.now()).await?;
        if args.json {
            let render = |session: &ListedSession| {
                json!({
                    "id": session.session_id,
                    "device_id": session.device_id,
                    "device_name": session.device_name,
                    "address": session.address,
                    "created_at": session.created_at,
                    "last_active_at": session.last_active_at,
                    "expires_at": session.expires_at,
                })
            };
            let found: Vec<_> = found.iter().map(render).collect();
            out::json(&json!({ "data": found }))?;
            return Ok(Exit::Well);
        }
        let row = |session: &ListedSession| {
            [
                session.session_id.to_string(),
                session.device_name.clone().unwrap_or_default(),
                session.address.clone(),
                session.last_active_at.to_string(),
                session.expires_at.to_string(),
            ]
        };
        let rows: Vec<_> = found.iter().map(row).collect();
        out::table(["ID", "DEVICE", "ADDRESS", "LAST ACTIVE", "EXPIRES"], &rows)?;
        Ok(Exit::Well)
    })
    .await
}

async fn list_all(
    conn: &mut Conn,
    user_id: UserId,
    now: Timestamp,
) -> kith::kernel::Result<Vec<ListedSession>> {
    let mut slice = Slice::<TimeKey>::first(PAGE);
    let mut found = Vec::new();
    loop {
        let rows = sessions::list_sessions(conn, user_id, now, &slice).await?;
        let page = slice.page(rows);
        found.extend(page.items);
        match page.next {
            Some(next) => slice.from = Some(next),
            None => return Ok(found),
        }
    }
}

async fn revoke(args: RevokeArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let user_id = match &args.user {
            Some(who) => Some(accounts::find(&mut *ctx.conn().await?, who).await?.id),
            None => None,
        };
        let ended = transaction(ctx, async |tx| {
            let mut ended = 0;
            if let Some(user_id) = user_id {
                ended += sessions::end_all(tx, user_id, None, EndReason::Operator).await?;
            }
            if let Some(id) = args.id {
                let alive = sessions::end(tx, id, EndReason::Operator).await?;
                ended += u64::from(alive);
            }
            Ok(ended)
        })
        .await?;
        if args.id.is_some() && ended == 0 {
            anyhow::bail!("there is no living session with this id");
        }
        out::line(format_args!("Sessions ended: {ended}."))?;
        Ok(Exit::Well)
    })
    .await
}
