//! What the triggers cost that void cache entries: the rate of posts with them and without them, in turns.

use anyhow::Context as _;

use crate::args::Common;
use crate::drive::Outcome;
use crate::measure;
use crate::mix::Mix;
use crate::report::{Bound, Finding, Report};
use crate::site::Site;

/// How often the two take turns.
const TURNS: usize = 3;

/// Measures both.
pub async fn run(common: &Common) -> anyhow::Result<Report> {
    anyhow::ensure!(
        common.url.is_empty(),
        "this scenario alters its database: leave out --url"
    );
    let post = Mix::named("post").context("the mix post")?;
    let mut site = Site::open(common).await?;
    site.serve(common.instances, common.redis().as_deref())
        .await?;
    measure::warm(&site, common, post).await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        with.push(measure::closed(&site, common, post, "with triggers").await?);
        switch(&site, false).await?;
        without.push(measure::closed(&site, common, post, "without triggers").await?);
        switch(&site, true).await?;
    }
    let rate = |runs: &[Outcome]| runs.iter().map(Outcome::rate).sum::<f64>() / TURNS as f64;
    let mut report = Report::new("triggers", &site.loaded);
    let share = rate(&with) / rate(&without);
    report.findings = vec![
        Finding::new("posts a second with triggers", rate(&with), ""),
        Finding::new("posts a second without triggers", rate(&without), ""),
        Finding::new("rate with triggers over rate without", share, "").wanted(Bound::AtLeast(0.8)),
    ];
    report.runs.extend(with.into_iter().chain(without));
    site.stop().await?;
    Ok(report)
}

/// Switches all triggers that append to the ledger of voided tags.
async fn switch(site: &Site, on: bool) -> anyhow::Result<()> {
    let word = if on { "enable" } else { "disable" };
    let statements: Vec<String> = sqlx::query_scalar(
        "select format('alter table %s %s trigger %I', tgrelid::regclass, $1, tgname)
         from pg_trigger join pg_proc on pg_proc.oid = tgfoid
         where not tgisinternal and proname like 'void\\_%'",
    )
    .bind(word)
    .fetch_all(site.ctx.db())
    .await?;
    anyhow::ensure!(!statements.is_empty(), "there is no such trigger");
    for statement in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(site.ctx.db())
            .await?;
    }
    Ok(())
}
