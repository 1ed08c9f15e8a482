//! The database: reachable, of a version that serves, migrated, with a clock like ours.

use kith::infra::db::{Condition, Drift, condition, schema_drift, server_major};
use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use kith::platform::config::Config;
use kith::seeds::has_demo_password;

use super::Finding;
use crate::cli::tool::Database;
use crate::cli::{causes, schema};

const PART: &str = "Postgres";
/// The oldest version that is tried with every change.
const OLDEST: u32 = 15;
/// Seconds by which the clocks may differ.
const SKEW: i64 = 5;

/// What there is to say of the database.
pub async fn look(config: &Config, database: &Database) -> Vec<Finding> {
    let looked = ask(config, database).await;
    looked.unwrap_or_else(|error| {
        vec![Finding::problem(
            PART,
            causes::told(&error),
            "Check DATABASE_URL, and that the server runs and lets this role in.",
        )]
    })
}

async fn ask(config: &Config, database: &Database) -> anyhow::Result<Vec<Finding>> {
    let mut conn = database.connect().await?;
    let major = server_major(&mut conn).await?;
    let condition = condition(&mut conn).await?;
    let now = SystemClock.now();
    let drift = schema_drift(&mut conn).await.map_err(schema::unread)?;
    let mut findings = vec![version(major, &condition), migrations(&drift)];
    if drift == Drift::None && config.is_production() && has_demo_password(&mut conn).await? {
        findings.push(Finding::problem(
            PART,
            "it holds demo data: people whose password is public",
            "Use another database: `kith serve` refuses this one in production.",
        ));
    }
    findings.push(skew((now.utc() - condition.now).num_seconds()));
    findings.extend(rest(config, &condition));
    Ok(findings)
}

fn version(major: u32, condition: &Condition) -> Finding {
    let what = format!("it answers and is of version {}", condition.version);
    if major >= OLDEST {
        return Finding::well(PART, what);
    }
    let fix = format!("Move to version {OLDEST} or later: kith is not tried with older ones.");
    Finding::problem(PART, what, fix)
}

fn migrations(drift: &Drift) -> Finding {
    match drift {
        Drift::None => Finding::well(PART, "its schema is the one that this program needs"),
        Drift::TooOld(missing) => Finding::problem(
            PART,
            schema::pending(missing.len()),
            "Run `kith migrate`. `kith migrate --check` lists them.",
        ),
        Drift::Changed(changed) => Finding::problem(
            PART,
            format!("migrations ran with another text than this program has: {changed:?}"),
            schema::CHANGED_FIX,
        ),
        Drift::TooNew(unknown) => Finding::problem(
            PART,
            format!("its schema is newer than this program: {unknown:?}"),
            "Run the version of kith that made it, or a later one.",
        ),
    }
}

fn skew(seconds: i64) -> Finding {
    if seconds.abs() <= SKEW {
        return Finding::well(PART, "its clock and this machine's agree");
    }
    Finding::warning(
        PART,
        format!(
            "its clock and this machine's are {} seconds apart",
            seconds.abs()
        ),
        "Let both machines set their clocks by NTP.",
    )
}

fn rest(config: &Config, condition: &Condition) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !condition.has_trigrams {
        findings.push(Finding::problem(
            PART,
            "the extension pg_trgm is not available, and search needs it",
            "Install Postgres' contrib package on the server.",
        ));
    }
    if condition.encoding != "UTF8" {
        findings.push(Finding::problem(
            PART,
            format!("the database's encoding is {}", condition.encoding),
            "Make a database with `createdb --encoding=UTF8 --template=template0`.",
        ));
    }
    let most = u32::try_from(condition.max_connections).unwrap_or_default();
    if config.db_pool >= most {
        findings.push(Finding::warning(
            PART,
            format!(
                "it takes {most} connections, and this process may open {}",
                config.db_pool
            ),
            "Lower KITH_DB_POOL or raise max_connections.",
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Grade;

    #[test]
    fn clocks_may_differ_by_five_seconds() {
        assert_eq!(skew(-5).grade, Grade::Well);
        assert_eq!(skew(6).grade, Grade::Warning);
        assert_eq!(skew(-6).grade, Grade::Warning);
    }
}
