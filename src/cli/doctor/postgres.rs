//! The database: reachable, of a version that serves, migrated, with a clock like ours.

use std::net::IpAddr;

use kith::infra::db::{Condition, Drift, condition, schema_drift, server_major};
use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use kith::platform::config::Config;
use kith::seeds::has_demo_password;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

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
    findings.extend(unchecked(database.url()));
    Ok(findings)
}

/// The way to another machine, where nobody looks at who is at its end.
fn unchecked(url: &str) -> Option<Finding> {
    let options: PgConnectOptions = url.parse().ok()?;
    let host = options.get_host().trim_matches(['[', ']']);
    let is_here = options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let mode = options.get_ssl_mode();
    let is_checked = matches!(mode, PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    (!is_here && !is_checked).then(|| {
        Finding::warning(
            PART,
            "it is on another machine, and its certificate is not looked at: whoever is on the way may read along",
            "End DATABASE_URL with `?sslmode=verify-full&sslrootcert=FILE`, unless the network is your own.",
        )
    })
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

    #[test]
    fn a_way_to_another_machine_is_to_be_checked() {
        for (url, warned) in [
            ("postgres://kith@db.example.org/kith", true),
            ("postgres://kith@10.0.0.4/kith?sslmode=require", true),
            ("postgres://kith@db/kith?sslmode=verify-full", false),
            ("postgres://kith@localhost/kith", false),
            ("postgres://kith@127.0.0.1/kith", false),
            ("postgres://kith@[::1]/kith", false),
            ("postgres://kith@localhost/kith?host=/run/pg", false),
        ] {
            assert_eq!(unchecked(url).is_some(), warned, "{url}");
        }
    }
}
