//! How long things are kept that belong to no domain.

use std::time::Duration;

use crate::infra::jobs::{Kept, Registry, Retention};
use crate::infra::outbox;
use crate::kernel::Result;
use crate::platform::Ctx;
use crate::platform::write;

const ANSWERS: Retention = Retention {
    what: "answers to idempotency keys",
    kept: Kept::Hours(24),
    job: "idempotency.forget",
    every: Duration::from_mins(10),
};
const EVENTS: Retention = Retention {
    what: "events that were delivered (`outbox`)",
    kept: Kept::Hours(1),
    job: "outbox.forget",
    every: Duration::from_mins(5),
};
/// Events that one statement deletes.
const BATCH: i64 = 10_000;

/// Registers the jobs.
pub fn jobs(registry: Registry<Ctx>) -> Registry<Ctx> {
    registry
        .keep(ANSWERS, forget_answers)
        .keep(EVENTS, forget_events)
}

async fn forget_answers(ctx: Ctx, rule: Retention) -> Result<()> {
    let mut conn = ctx.conn().await?;
    while write::forget_answers(&mut conn, rule.before(ctx.now()), BATCH).await? > 0 {}
    Ok(())
}

async fn forget_events(ctx: Ctx, rule: Retention) -> Result<()> {
    let mut conn = ctx.conn().await?;
    while outbox::forget_delivered(&mut conn, rule.before(ctx.now()), BATCH).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::registry;

    /// The first column of the table in the documentation, how long, and the job with its interval.
    #[test]
    fn the_documentation_tells_every_rule_as_it_is() {
        let page = include_str!("../../../docs/operations.md");
        let registry = registry();
        for rule in registry.retention() {
            let minutes = rule.every.as_secs() / 60;
            let every = match minutes {
                60 => "1 hour".to_owned(),
                _ if minutes % 60 == 0 => format!("{} hours", minutes / 60),
                _ => format!("{minutes} minutes"),
            };
            let line = format!(
                "| {} | {} | `{}`, {every} |",
                rule.what, rule.kept, rule.job
            );
            assert!(page.contains(&line), "docs/operations.md lacks: {line}");
        }
    }
}
