//! The script and the limiter of one process say the same to the same calls.

use std::time::Duration;

use kith::infra::ratelimit::{Figures, LUA_LIMIT, State};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use redis::aio::MultiplexedConnection;

use super::support::{LOOSE, STRICT, TestRedis, check, local};

/// The script at a time that the test chooses: the first argument.
fn script() -> redis::Script {
    let body = "local now = tonumber(table.remove(ARGV, 1)) return limit(KEYS, ARGV, now)";
    redis::Script::new(&format!("{LUA_LIMIT}{body}"))
}

async fn ask(
    conn: &mut MultiplexedConnection,
    keys: &[String],
    figures: &[Figures],
    now: u64,
) -> Vec<State> {
    let script = script();
    let mut call = script.prepare_invoke();
    call.arg(now);
    for (key, figures) in keys.iter().zip(figures) {
        call.key(key).arg(figures.quota).arg(figures.window_ms());
    }
    let reply: Vec<(i64, i64, i64, i64)> = call.invoke_async(conn).await.expect("an answer");
    let number = |number: i64| u64::try_from(number).expect("not negative");
    let state = |(allowed, remaining, reset, slot): (i64, i64, i64, i64)| State {
        allowed: allowed == 1,
        remaining: u32::try_from(remaining).expect("fits"),
        reset_ms: number(reset),
        slot: number(slot),
    };
    reply.into_iter().map(state).collect()
}

fn figures(quota: u32, millis: u64) -> Figures {
    Figures {
        quota,
        window: Duration::from_millis(millis),
    }
}

/// Pauses of every length against windows of a second and of 700 ms; now and then the clock is set
/// back.
fn pauses() -> impl Strategy<Value = Vec<(i64, bool)>> {
    let pause = prop_oneof![
        8 => 0_i64..90_000,
        4 => 90_000_i64..500_000,
        1 => 500_000_i64..5_000_000,
        1 => -1_500_000_i64..0,
    ];
    prop::collection::vec((pause, any::<bool>()), 1..120)
}

#[test]
fn lua_and_rust_say_the_same_to_the_same_calls() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let redis = runtime.block_on(TestRedis::start());
    let conn = runtime.block_on(redis.conn());
    let mut runner = TestRunner::new(Config::with_cases(40));
    runner
        .run(&(pauses(), 1_u32..6, 1_u32..9), |(pauses, one, other)| {
            let mut conn = conn.clone();
            let keys = ["a", "b"].map(|key| format!("{}:{key}", redis.namespace));
            let figures = [figures(one, 1_000), figures(other, 700)];
            let checks = [check(&LOOSE, "a"), check(&STRICT, "b")];
            let local = local();
            let mut now = 1_700_000_000_000_000_u64;
            runtime.block_on(async {
                let del = redis::cmd("DEL")
                    .arg(&keys)
                    .query_async::<()>(&mut conn)
                    .await;
                del.expect("deleted");
                for (pause, both) in pauses {
                    now = now.checked_add_signed(pause).expect("in range");
                    let asked = if both { 2 } else { 1 };
                    let in_lua = ask(&mut conn, &keys[..asked], &figures, now).await;
                    let pairs = checks.iter().cloned().zip(figures);
                    let in_rust = local.take(&pairs.take(asked).collect::<Vec<_>>(), now);
                    prop_assert_eq!(in_lua, in_rust);
                    for key in &keys[..asked] {
                        let fields: usize = redis::cmd("HLEN")
                            .arg(key)
                            .query_async(&mut conn)
                            .await
                            .expect("a count");
                        prop_assert!(fields <= 21, "{} sub-windows", fields);
                        let life: i64 = redis::cmd("PTTL")
                            .arg(key)
                            .query_async(&mut conn)
                            .await
                            .expect("a lifetime");
                        prop_assert!(
                            (-2..=1_102).contains(&life) && life != -1,
                            "it lives {} ms",
                            life
                        );
                    }
                }
                Ok(())
            })
        })
        .expect("they agree");
}
