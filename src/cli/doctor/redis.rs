//! Redis: reachable, near, of a version that serves, and set as a cache should be.

use std::time::Duration;

use kith::infra::redis::{Condition, DEADLINE, Server};
use kith::platform::config::Config;

use super::Finding;
use crate::cli::causes;

const PART: &str = "Redis";
const PATIENCE: Duration = Duration::from_secs(3);
/// The oldest version that kith is meant for.
const OLDEST: u32 = 7;
/// A round trip may usually take this long. Most requests make one.
const NEAR: Duration = Duration::from_millis(5);
/// What should go first when the memory is full.
const POLICY: &str = "allkeys-lfu";

/// What there is to say of Redis, if there is one.
pub async fn look(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.redis_url else {
        let what = "none is set: every instance caches and counts limits by itself";
        return vec![Finding::well(PART, what)];
    };
    let asked = tokio::time::timeout(PATIENCE, ask(url.expose())).await;
    match asked {
        Ok(Ok(condition)) => findings(&condition),
        Ok(Err(error)) => vec![unreachable(&causes::told(&error))],
        Err(_late) => vec![unreachable("no answer within three seconds")],
    }
}

async fn ask(url: &str) -> anyhow::Result<Condition> {
    let mut conn = Server::parse(url)?.connect().await?;
    Ok(Condition::ask(&mut conn).await?)
}

fn unreachable(why: &str) -> Finding {
    Finding::problem(
        PART,
        format!("it can't be used: {why}"),
        "Check REDIS_URL, user and password included, and that the server runs.",
    )
}

fn findings(condition: &Condition) -> Vec<Finding> {
    let mut findings = vec![version(condition)];
    if !condition.is_primary {
        findings.push(Finding::problem(
            PART,
            "it is a replica and takes no writes",
            "Let REDIS_URL name the primary.",
        ));
    }
    findings.push(memory(condition));
    if condition.persists == Some(true) {
        findings.push(Finding::warning(
            PART,
            "it writes to the disk, which costs time and which kith has no use for",
            "Set `save \"\"` and `appendonly no`, unless somebody else keeps data there.",
        ));
    }
    findings.push(distance(condition.round_trip));
    findings
}

fn version(condition: &Condition) -> Finding {
    let what = format!("it answers and is of version {}", condition.version);
    if condition.major().is_some_and(|major| major >= OLDEST) {
        return Finding::well(PART, what);
    }
    let fix = format!("Move to version {OLDEST} or later: kith is not tried with older ones.");
    Finding::problem(PART, what, fix)
}

fn memory(condition: &Condition) -> Finding {
    let (limit, policy) = (condition.maxmemory, condition.policy.as_str());
    if limit == 0 {
        return Finding::warning(
            PART,
            "its memory has no limit: it grows until the machine has none left",
            format!("Set `maxmemory`, such as `maxmemory 256mb`, and `maxmemory-policy {POLICY}`."),
        );
    }
    let what = format!("it takes {} MiB at most, by {policy}", limit / 1_048_576);
    let fix = format!("Set `maxmemory-policy {POLICY}`: what is used least goes first.");
    match policy {
        POLICY => Finding::well(PART, what),
        "noeviction" => {
            Finding::problem(PART, format!("{what}: once full, it refuses writes"), fix)
        }
        _ => Finding::warning(PART, what, fix),
    }
}

fn distance(round_trip: Duration) -> Finding {
    let what = format!("a round trip takes {} µs", round_trip.as_micros());
    let fix = "Move it nearer, into the same network as kith: most requests ask it once.";
    if round_trip >= DEADLINE {
        let late = DEADLINE.as_millis();
        let what = format!("{what}; after {late} ms kith goes on without it");
        return Finding::problem(PART, what, fix);
    }
    if round_trip > NEAR {
        return Finding::warning(PART, what, fix);
    }
    Finding::well(PART, what)
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    fn good() -> Condition {
        Condition {
            version: "7.2.4".to_owned(),
            maxmemory: 1 << 28,
            policy: POLICY.to_owned(),
            persists: Some(false),
            is_primary: true,
            round_trip: Duration::from_micros(80),
        }
    }

    /// The worst that is found, and what to do about it.
    fn worst(condition: &Condition) -> (Grade, String) {
        let rank = |finding: &Finding| match finding.grade {
            Grade::Well => 0,
            Grade::Warning => 1,
            Grade::Problem => 2,
        };
        let worst = findings(condition).into_iter().max_by_key(rank);
        worst.map_or((Grade::Well, String::new()), |finding| {
            (finding.grade, finding.fix)
        })
    }

    /// Makes a good condition a worse one.
    type Change = fn(&mut Condition);

    #[test]
    fn each_thing_that_is_wrong_is_found_with_what_to_do() {
        assert_eq!(worst(&good()).0, Grade::Well);
        let cases: [(Change, Grade, &str); 9] = [
            (
                |c| c.version = "6.2.14".to_owned(),
                Grade::Problem,
                "version 7",
            ),
            (|c| c.version = String::new(), Grade::Problem, "version 7"),
            (|c| c.is_primary = false, Grade::Problem, "primary"),
            (|c| c.maxmemory = 0, Grade::Warning, "maxmemory 256mb"),
            (
                |c| c.policy = "noeviction".to_owned(),
                Grade::Problem,
                POLICY,
            ),
            (
                |c| c.policy = "volatile-lru".to_owned(),
                Grade::Warning,
                POLICY,
            ),
            (|c| c.persists = Some(true), Grade::Warning, "appendonly no"),
            (|c| c.round_trip = NEAR * 2, Grade::Warning, "nearer"),
            (|c| c.round_trip = DEADLINE, Grade::Problem, "nearer"),
        ];
        for (spoil, grade, fix) in cases {
            let mut condition = good();
            spoil(&mut condition);
            let (found, said) = worst(&condition);
            assert_eq!(found, grade, "{condition:?}");
            assert!(said.contains(fix), "{said}");
        }
        let silent = Condition {
            persists: None,
            ..good()
        };
        assert_eq!(worst(&silent).0, Grade::Well);
    }
}
