//! Two instances over one Redis; and one whose Redis goes away.

use std::time::{Duration, Instant};

use kith::infra::ratelimit::{Tally, Verdict};

use super::support::{LOOSE, STRICT, TestRedis, check};

fn tally(tallies: &[Tally], policy: &str) -> (u64, u64) {
    let tally = tallies.iter().find(|tally| tally.policy == policy);
    tally
        .map(|tally| (tally.refused, tally.alone))
        .expect("a tally")
}

#[tokio::test]
async fn two_instances_count_together() {
    let redis = TestRedis::start().await;
    let ((one, _), (other, _)) = (redis.limiter().await, redis.limiter().await);
    let ada = || vec![check(&LOOSE, "ada")];
    assert_eq!(one.take(ada()).await[0].state.remaining, 1);
    assert_eq!(other.take(ada()).await[0].state.remaining, 0);
    for limiter in [&one, &other] {
        let refused = &limiter.take(ada()).await[0];
        assert!(!refused.state.allowed);
        assert_eq!(limiter.look(&check(&LOOSE, "ada")).await.remaining, 0);
    }
    assert!(one.take(vec![check(&LOOSE, "bob")]).await[0].state.allowed);
    assert!(other.forget(&check(&LOOSE, "ada")).await);
    assert_eq!(one.take(ada()).await[0].state.remaining, 1);
}

#[tokio::test]
async fn of_many_calls_at_once_the_quota_passes_and_after_the_reset_the_next() {
    let redis = TestRedis::start().await;
    let ((one, _), (other, _)) = (redis.limiter().await, redis.limiter().await);
    let started = Instant::now();
    let calls = (0..40).map(|number| {
        let limiter = if number % 2 == 0 { &one } else { &other };
        limiter.take(vec![check(&LOOSE, "ada")])
    });
    let verdicts = futures_util::future::join_all(calls).await;
    let passed = verdicts.iter().filter(|verdict| verdict[0].state.allowed);
    assert_eq!(passed.count(), 2);
    let refused = &one.take(vec![check(&LOOSE, "ada")]).await[0];
    assert!(!refused.state.allowed);
    tokio::time::sleep(Duration::from_millis(refused.state.reset_ms)).await;
    assert!(one.take(vec![check(&LOOSE, "ada")]).await[0].state.allowed);
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "not before the window is over"
    );
}

#[tokio::test]
async fn a_refusal_charges_none_of_the_policies_and_what_is_given_back_counts_no_more() {
    let redis = TestRedis::start().await;
    let (limiter, _) = redis.limiter().await;
    limiter.take(vec![check(&STRICT, "ada")]).await;
    let second = limiter.take(vec![check(&STRICT, "ada")]).await;
    for _ in 0..5 {
        let both = vec![check(&LOOSE, "ada"), check(&STRICT, "ada")];
        let verdicts = limiter.take(both).await;
        assert!(verdicts[0].state.allowed && !verdicts[1].state.allowed);
        assert_eq!(verdicts[0].state.remaining, 2);
    }
    assert_eq!(tally(&limiter.tallies(), "strict"), (5, 0));
    limiter.give_back(&second).await;
    assert!(
        limiter.take(vec![check(&STRICT, "ada")]).await[0]
            .state
            .allowed
    );
    assert!(
        !limiter.take(vec![check(&STRICT, "ada")]).await[0]
            .state
            .allowed
    );
}

#[tokio::test]
async fn what_is_asked_twice_at_once_needs_room_for_two() {
    let redis = TestRedis::start().await;
    let (limiter, _) = redis.limiter().await;
    let twice = || vec![check(&STRICT, "ada"), check(&STRICT, "ada")];
    let left = |verdicts: &[Verdict]| verdicts.last().map(|last| last.state.remaining);
    let both = limiter.take(twice()).await;
    assert!(both.iter().all(|verdict| verdict.state.allowed));
    assert_eq!(left(&both), Some(0));
    limiter.take(vec![check(&LOOSE, "bob")]).await;
    let one_too_many = vec![check(&LOOSE, "bob"), check(&LOOSE, "bob")];
    let refused = limiter.take(one_too_many).await;
    assert!(!refused[1].state.allowed, "one of two was used");
    let alone = limiter.take(vec![check(&LOOSE, "bob")]).await;
    assert!(alone[0].state.allowed, "nothing was charged");
}

#[tokio::test]
async fn without_redis_the_process_counts_alone_and_says_so() {
    let redis = TestRedis::start().await;
    let (limiter, switch) = redis.limiter().await;
    switch.take_away();
    let passed = async {
        let mut passed = 0;
        for _ in 0..9 {
            let verdict = &limiter.take(vec![check(&LOOSE, "ada")]).await[0];
            passed += u32::from(verdict.state.allowed);
        }
        passed
    };
    assert_eq!(passed.await, 2);
    assert_eq!(tally(&limiter.tallies(), "loose"), (7, 9));
    assert!(
        !limiter.forget(&check(&LOOSE, "ada")).await,
        "Redis still knows"
    );
}

#[tokio::test]
async fn a_strict_policy_remembers_what_passed_before_redis_went_away() {
    let redis = TestRedis::start().await;
    let (limiter, switch) = redis.limiter().await;
    for _ in 0..2 {
        let both = vec![check(&STRICT, "ada"), check(&LOOSE, "ada")];
        assert!(
            limiter
                .take(both)
                .await
                .iter()
                .all(|verdict| verdict.state.allowed)
        );
    }
    switch.take_away();
    assert!(
        !limiter.take(vec![check(&STRICT, "ada")]).await[0]
            .state
            .allowed
    );
    assert!(
        limiter.take(vec![check(&LOOSE, "ada")]).await[0]
            .state
            .allowed
    );
}
