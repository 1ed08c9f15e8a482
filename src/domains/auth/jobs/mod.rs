//! Mail, and tidying up.

mod mail;

pub use mail::Mail;

use std::time::Duration;

use super::store::{self, EVENTS_KEPT};
use crate::infra::jobs::{Kept, OUTSIDE, Registry, Retention};
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::sessions;

/// How often a mail is tried.
const MAIL_ATTEMPTS: u16 = 8;

const SESSIONS: Retention = Retention {
    what: "sessions and their tokens, after their end",
    kept: Kept::Days(30),
    job: "auth.sessions",
    every: Duration::from_mins(5),
};
const LINKS: Retention = Retention {
    what: "links that were mailed, after they ran out",
    kept: Kept::Days(30),
    job: "auth.mail_tokens",
    every: Duration::from_hours(1),
};
const SECURITY_LOG: Retention = Retention {
    what: "lines of a person's security log",
    kept: Kept::Last(EVENTS_KEPT),
    job: "auth.security_log",
    every: Duration::from_hours(24),
};

/// Sessions that go at once: each may have some hundred tokens.
const BATCH: i64 = 100;

/// Links that go at once.
const LINKS_BATCH: i64 = 1_000;

/// People whose logs are trimmed at a time.
const PEOPLE: i64 = 500;

/// Registers mail and retention.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .on(mail::JOB, MAIL_ATTEMPTS, mail::deliver)
        .with_hands(mail::JOB, OUTSIDE)
        .keep(SESSIONS, delete_dead_sessions)
        .keep(LINKS, delete_old_mail_tokens)
        .keep(SECURITY_LOG, trim_security_log)
}

async fn delete_dead_sessions(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    let mut conn = ctx.conn().await?;
    while sessions::delete_dead(&mut conn, before, BATCH).await? > 0 {}
    Ok(())
}

async fn delete_old_mail_tokens(ctx: Ctx, rule: Retention) -> Result<()> {
    let before = rule.before(ctx.now());
    let mut conn = ctx.conn().await?;
    while store::delete_old_mail_tokens(&mut conn, before, LINKS_BATCH).await? > 0 {}
    Ok(())
}

async fn trim_security_log(ctx: Ctx, _rule: Retention) -> Result<()> {
    let mut conn = ctx.conn().await?;
    let (mut last, mut deleted) = (None, 0);
    while let Some((person, lines)) = store::trim_events(&mut conn, last, PEOPLE).await? {
        last = Some(person);
        deleted += lines;
    }
    tracing::debug!(deleted, "trimmed security logs");
    Ok(())
}
