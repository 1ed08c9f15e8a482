//! What is cached, and whether it is right.

use serde_json::Value;

use crate::support::{Place, Redis};

/// A place with a Redis, a person in it, and a server that has read the person.
fn place() -> (Place, Redis) {
    let redis = Redis::start();
    let place = Place::new();
    let prefix = place.name().to_owned();
    let place = place
        .with("REDIS_URL", &redis.url())
        .with("KITH_REDIS_PREFIX", &prefix);
    place.run(&["migrate"]).expect_code(0);
    place.sql(
        "insert into account (user_id, username, display_name, created_at, updated_at)
         values (gen_random_uuid(), 'anna', 'Anna', now(), now());
         insert into user_settings (user_id, updated_at) select user_id, now() from account;
         insert into user_counter (user_id) select user_id from account",
    );
    (place, redis)
}

fn verify(place: &Place, code: i32) -> Value {
    let args = [
        "cache", "verify", "--space", "user", "--grace", "50ms", "--json",
    ];
    place.run(&args).expect_code(code).json()
}

#[test]
fn a_stale_entry_is_found_and_a_clean_cache_has_nines() {
    let (place, redis) = place();
    let epochs =
        || place.ask("select count(*)::text || ' ' || coalesce(max(epoch), 0) from cache_epoch");
    assert_eq!(verify(&place, 0)["checked"], 0);
    assert_eq!(epochs(), "0 0", "a tool begins no epoch");
    let serving = place.serve();
    let id = place.ask("select user_id::text from account");
    // What the rows above have voided is delivered by the server; entries of before would end.
    let mut looks = 0;
    while place.ask("select count(*)::text from cache_void") != "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
        looks += 1;
        assert!(looks < 100, "voids were left lying");
    }
    assert_eq!(serving.get(&format!("/v1/users/{id}")), 200);
    let before = epochs();
    let clean = verify(&place, 0);
    assert_eq!((&clean["checked"], &clean["wrong"]), (&1.into(), &0.into()));
    assert_eq!(clean["nines"]["at_least"], true);

    // Other bytes under the right stamps: as if a void had been lost.
    let epoch = place.ask("select max(epoch)::text from cache_epoch");
    let key = format!("{}:dev:{epoch}:user:v2:{id}", place.name());
    redis.change(&key, "Anna", "Anno");
    let found = verify(&place, 3);
    assert_eq!(found["wrong"], 1);
    assert_eq!(
        found["data"][0]["found"]["wrong_keys"][0],
        format!("user:{id}")
    );
    let ran = place
        .run(&["cache", "verify", "--grace", "50ms"])
        .expect_code(3);
    assert!(
        ran.stdout.contains(&format!("wrong: user:{id}")),
        "{}",
        ran.stdout
    );
    let told = ran.stdout.lines().last().expect("a last line");
    assert!(
        told.contains(" nines within 50ms: ") && told.ends_with(" entries checked, 1 wrong."),
        "{told}"
    );

    let ran = place.run(&["cache", "invalidate", "user"]).expect_code(0);
    assert_eq!(ran.stdout, "All its entries are void.\n");
    assert_eq!(verify(&place, 0)["checked"], 0);
    assert_eq!(epochs(), before);
    let stats = place
        .run(&["cache", "stats", "--json"])
        .expect_code(0)
        .json();
    assert!(stats["used_memory"].as_u64() > Some(0), "{stats}");
    serving.stop();
}

#[test]
fn the_cache_is_warmed_where_a_server_uses_it_and_what_was_warmed_is_told() {
    let (place, redis) = place();
    let place = place.with("KITH_WARMING", "off");
    let warm = || {
        let ran = place.run(&["cache", "warm", "--json"]).expect_code(0);
        let people = &ran.json()["categories"][1];
        assert_eq!(people["name"], "active_people");
        people["warmed"].as_u64().expect("a number")
    };
    assert_eq!(warm(), 0, "nothing in it would count");
    let serving = place.serve();
    let mut looks = 0;
    while place.ask("select count(*)::text from cache_epoch") == "0" {
        std::thread::sleep(std::time::Duration::from_millis(20));
        looks += 1;
        assert!(looks < 100, "no server has found Redis");
    }
    place.sql(
        "insert into session (session_id, user_id, address, user_agent, created_at,
             last_active_at, reauthenticated_at, expires_at, ends_at)
         select gen_random_uuid(), user_id, '127.0.0.1', '', now(), now(), now(),
             now() + interval '1 day', now() + interval '1 day' from account",
    );
    let id = place.ask("select user_id::text from account");
    let epoch = place.ask("select max(epoch)::text from cache_epoch");
    let key = format!("{}:dev:{epoch}:user:v2:{id}", place.name());
    assert!(!redis.has(&key));
    assert!(warm() > 0);
    assert!(redis.has(&key), "servers find it");
    let ran = place.run(&["cache", "warm"]).expect_code(0);
    assert!(
        ran.stdout.starts_with("CATEGORY ") && ran.stdout.contains("\ntimelines "),
        "{}",
        ran.stdout
    );
    serving.stop();
}

#[test]
fn spaces_are_listed_without_any_server_and_unknown_ones_refused() {
    let place = Place::new();
    let ran = place.run(&["cache", "spaces"]).expect_code(0);
    assert!(
        ran.stdout.contains("user:{id}, space:user"),
        "{}",
        ran.stdout
    );
    for args in [
        &["cache", "verify", "--space", "x"][..],
        &["cache", "invalidate", "x"],
    ] {
        place.run(args).expect_code(2);
    }
    place.run(&["migrate"]).expect_code(0);
    for command in ["verify", "warm"] {
        let ran = place.run(&["cache", command]).expect_code(2);
        assert!(ran.stderr.contains("REDIS_URL"), "{}", ran.stderr);
    }
}
