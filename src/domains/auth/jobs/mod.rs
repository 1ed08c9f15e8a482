//! Mail, and tidying up.

mod mail;

pub use mail::Mail;

use std::time::Duration;

use chrono::TimeDelta;

use super::store;
use crate::infra::jobs::Registry;
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::sessions;

/// How often a mail is tried.
const MAIL_ATTEMPTS: u16 = 8;
/// Days that sessions and tokens are kept after their end.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Registers the jobs of sign-in, and the end of suspensions.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    registry
        .on(mail::JOB, MAIL_ATTEMPTS, mail::deliver)
        .every("auth.sessions", minutes(5), delete_dead_sessions)
        .every("auth.mail_tokens", minutes(60), delete_old_mail_tokens)
        .every("auth.security_log", minutes(60), trim_security_log)
}

async fn delete_dead_sessions(ctx: Ctx) -> Result<()> {
    let before = ctx.now() - KEPT;
    let deleted = sessions::store::delete_dead(&mut *ctx.db().acquire().await?, before).await?;
    tracing::debug!(deleted, "deleted sessions that ended long ago");
    Ok(())
}

async fn delete_old_mail_tokens(ctx: Ctx) -> Result<()> {
    let before = ctx.now() - KEPT;
    let deleted = store::delete_old_mail_tokens(&mut *ctx.db().acquire().await?, before).await?;
    tracing::debug!(deleted, "deleted links that ran out long ago");
    Ok(())
}

async fn trim_security_log(ctx: Ctx) -> Result<()> {
    let deleted = store::trim_events(&mut *ctx.db().acquire().await?).await?;
    tracing::debug!(deleted, "trimmed security logs");
    Ok(())
}
