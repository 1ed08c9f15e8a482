//! Nothing stays in Redis for ever.

use crate::support::mode;

/// Looks at what all tests of a run have left, so it runs after them: `scripts/test` does that.
#[tokio::test]
#[ignore = "it looks at what the other tests have left"]
async fn every_key_that_the_tests_left_has_a_lifetime() {
    if !mode::needs("Redis", mode::has_redis()) {
        return;
    }
    let url = std::env::var("REDIS_URL").expect("a server");
    let client = redis::Client::open(url).expect("a client");
    let conn = client.get_multiplexed_async_connection().await;
    let mut conn = conn.expect("a connection");
    let (mut cursor, mut seen, mut endless) = (0_u64, 0, Vec::new());
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg("kith_test_*");
        let scanned = scan.arg("COUNT").arg(1_000).query_async(&mut conn).await;
        let (next, keys): (u64, Vec<String>) = scanned.expect("keys");
        let mut pipe = redis::pipe();
        for key in &keys {
            pipe.cmd("PTTL").arg(key);
        }
        let left: Vec<i64> = pipe.query_async(&mut conn).await.expect("lifetimes");
        seen += keys.len();
        let forever = keys.into_iter().zip(left).filter(|(_, left)| *left == -1);
        endless.extend(forever.map(|(key, _)| key));
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    assert!(seen > 0, "the tests have left nothing to look at");
    assert!(
        endless.is_empty(),
        "{} of {seen}: {endless:#?}",
        endless.len()
    );
}
