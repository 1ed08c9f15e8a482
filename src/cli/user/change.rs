//! Changing accounts.

use chrono::{DateTime, TimeDelta};
use kith::admin::accounts;
use kith::kernel::Timestamp;
use kith::platform::sessions::Role;
use kith::platform::write::transaction;

use super::UserArg;
use crate::cli::exit::{Exit, refused};
use crate::cli::out;
use crate::cli::tool::{load_config, with_ctx};

/// Arguments of `kith user promote`.
#[derive(Debug, clap::Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    user: UserArg,
    /// `user`, `moderator` or `admin`
    #[arg(long)]
    role: Role,
}

/// Changes the role.
pub async fn promote(args: PromoteArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let account = accounts::find(&mut *ctx.conn().await?, &args.user.who).await?;
        transaction(ctx, async |tx| {
            accounts::promote(tx, account.id, args.role).await
        })
        .await?;
        let (name, role) = (&account.username, args.role.as_str());
        out::line(format_args!("{name} has the role {role} now."))?;
        Ok(Exit::Well)
    })
    .await
}

/// Arguments of `kith user suspend`.
#[derive(Debug, clap::Args)]
pub struct SuspendArgs {
    #[command(flatten)]
    user: UserArg,
    /// When it ends: a time such as `2027-01-31T12:00:00Z`, or a span such as `12h` or `7d`; for
    /// good without it
    #[arg(long)]
    until: Option<String>,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Suspends an account.
pub async fn suspend(args: SuspendArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let until = match &args.until {
            Some(text) => Some(instant(text, ctx.now()).ok_or_else(|| {
                refused("--until is neither a time to come nor a span such as `7d`.")
            })?),
            None => None,
        };
        let account = accounts::find(&mut *ctx.conn().await?, &args.user.who).await?;
        let ended = transaction(ctx, async |tx| {
            accounts::suspend(tx, account.id, until, args.reason.as_deref()).await
        })
        .await?;
        let name = &account.username;
        out::line(format_args!(
            "{name} is suspended. Sessions ended: {ended}."
        ))?;
        Ok(Exit::Well)
    })
    .await
}

/// Reads a time, or a span from `now` on. What has passed already is no end of anything.
fn instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Timestamp::new(at.to_utc()),
        Err(_no_time) => {
            let number = |unit: char| text.strip_suffix(unit)?.parse::<i64>().ok();
            let span = if let Some(days) = number('d') {
                TimeDelta::try_days(days)
            } else if let Some(hours) = number('h') {
                TimeDelta::try_hours(hours)
            } else {
                TimeDelta::try_minutes(number('m')?)
            };
            Timestamp::new(now.utc().checked_add_signed(span?)?)
        }
    };
    (at > now).then_some(at)
}

/// Arguments of `kith user unsuspend`.
#[derive(Debug, clap::Args)]
pub struct UnsuspendArgs {
    #[command(flatten)]
    user: UserArg,
}

/// Ends a suspension.
pub async fn unsuspend(args: UnsuspendArgs) -> anyhow::Result<Exit> {
    with_ctx(load_config()?, async move |ctx| {
        let account = accounts::find(&mut *ctx.conn().await?, &args.user.who).await?;
        transaction(ctx, async |tx| accounts::unsuspend(tx, account.id).await).await?;
        out::line(format_args!("{} is active.", account.username))?;
        Ok(Exit::Well)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_to_come_or_a_span() {
        let now = Timestamp::from_micros(1_700_000_000_000_000).expect("in range");
        let text = |text: &str| instant(text, now).map(|at| at.to_string());
        assert_eq!(text("2d").as_deref(), Some("2023-11-16T22:13:20.000Z"));
        assert_eq!(
            text("2024-01-01T00:00:00+01:00").as_deref(),
            Some("2023-12-31T23:00:00.000Z")
        );
        for bad in [
            "",
            "d",
            "-2d",
            "0h",
            "soon",
            "2020-01-01T00:00:00Z",
            "99999999999d",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
