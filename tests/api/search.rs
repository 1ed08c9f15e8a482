//! Finding people.

use serde_json::{Value, json};

use crate::support::{OwnRedis, Session, TestApp, mode};

async fn named(app: &TestApp, username: &str, display_name: &str) -> Session {
    let person = app.register(username).await;
    let change = json!({"display_name": display_name});
    person.patch("/v1/me", &change).await.expect_status(200);
    person
}

#[tokio::test]
async fn search_finds_beginnings_first_and_then_what_is_like_it() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    let exact = named(&app, "marta", "Somebody").await;
    let longer = named(&app, "zz_one", "Martabella Novak").await;
    let like = named(&app, "zz_two", "Marte").await;
    let inside = named(&app, "zz_three", "Anna Marta Kroll").await;
    named(&app, "zz_four", "Quentin").await;
    let found: Vec<String> = me
        .get("/v1/search/users?q=%40Marta")
        .await
        .expect_status(200)
        .ids();
    assert_eq!(found[..2], [exact.id.clone(), longer.id.clone()]);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found.contains(&like.id) && found.contains(&inside.id));
    for path in ["/v1/search/users?q=%40", "/v1/search/suggestions?q=%40"] {
        let nobody = me.get(path).await.expect_status(200);
        assert!(
            nobody.json["data"].as_array().is_some_and(Vec::is_empty),
            "{path}"
        );
    }
    for limit in [1, 2, 3] {
        let walked = me.walk("/v1/search/users?q=%40Marta", limit).await;
        let ids: Vec<&str> = walked
            .iter()
            .filter_map(|item| item["id"].as_str())
            .collect();
        assert_eq!(ids, found, "{limit} on a page");
    }
}

#[tokio::test]
async fn search_leaves_out_who_is_blocked_inactive_or_unwilling() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    let blocked = named(&app, "zz_one", "Ottilie").await;
    let hidden = named(&app, "zz_two", "Ottilie").await;
    let gone = named(&app, "zz_three", "Ottilie").await;
    let there = named(&app, "zz_four", "Ottilie").await;
    blocked
        .set(&format!("/v1/users/{}/block", me.id))
        .await
        .expect_status(200);
    hidden
        .patch("/v1/me/settings", &json!({"searchable": false}))
        .await
        .expect_status(200);
    sqlx::query("update account set state = 'suspended' where username = $1")
        .bind(&gone.username)
        .execute(&app.db)
        .await
        .expect("suspended");
    for path in ["/v1/search/users?q=otti", "/v1/search/suggestions?q=otti"] {
        let data = me.get(path).await.expect_status(200).json["data"].clone();
        let text = data.to_string();
        assert_eq!(data.as_array().map(Vec::len), Some(1), "{text}");
        assert!(text.contains(&there.id), "{text}");
    }
    for wild in ["%25", "_", "%25tti", "zz%25"] {
        let reply = me
            .get(&format!("/v1/search/suggestions?q={wild}"))
            .await
            .expect_status(200);
        assert_eq!(reply.json["data"], json!([]), "{wild}");
    }
    me.get("/v1/search/users?q=")
        .await
        .expect_problem(422, "validation_failed");
    me.get("/v1/search/users")
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn suggestions_are_few_and_friends_come_first() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    for number in 0..12 {
        named(&app, &format!("some_{number}"), &format!("Paula {number}")).await;
    }
    let friend = named(&app, "friend", "Paula Zett").await;
    me.befriend(&friend).await;
    let reply = me
        .get("/v1/search/suggestions?q=%20PAULA%20")
        .await
        .expect_status(200);
    let data: &Vec<Value> = reply.json["data"].as_array().expect("a list");
    assert_eq!(data.len(), 10);
    assert_eq!(
        (&data[0]["kind"], &data[0]["user"]["id"]),
        (&json!("user"), &json!(friend.id))
    );
    assert_eq!(data[1]["user"]["display_name"], "Paula 0");
}

#[tokio::test]
async fn a_friend_is_suggested_however_many_better_known_people_there_are() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    let friend = named(&app, "friend", "Rosa Zett").await;
    me.befriend(&friend).await;
    sqlx::raw_sql(
        "insert into account (user_id, username, display_name, created_at, updated_at)
             select gen_random_uuid(), 'some_' || n, 'Rosa ' || n, now(), now()
             from generate_series(1, 21) as n;
         insert into user_settings (user_id, updated_at)
             select user_id, now() from account where username like 'some%';
         insert into user_counter (user_id, followers)
             select user_id, 9 from account where username like 'some%'",
    )
    .execute(&app.db)
    .await
    .expect("well known");
    let reply = me.get("/v1/search/suggestions?q=rosa").await;
    let data = &reply.expect_status(200).json["data"];
    assert_eq!(data[0]["user"]["id"], json!(friend.id));
}

#[tokio::test]
async fn an_old_name_suggests_nobody_though_what_it_meant_is_kept() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    let person = named(&app, "person", "Rosalind").await;
    let other = named(&app, "other", "Rosamund").await;
    let shown = async || me.get("/v1/search/suggestions?q=rosa").await;
    let ids = |reply: crate::support::Reply| -> Vec<Value> {
        let reply = reply.expect_status(200);
        let data = reply.json["data"].as_array().expect("a list");
        data.iter().map(|one| one["user"]["id"].clone()).collect()
    };
    // Twice: Redis keeps it from then on.
    shown().await;
    assert_eq!(ids(shown().await), [json!(person.id), json!(other.id)]);
    let change = json!({"display_name": "Beatrice"});
    person.patch("/v1/me", &change).await.expect_status(200);
    assert_eq!(ids(shown().await), [json!(other.id)]);
}

#[tokio::test]
async fn hashtags_are_suggested_where_the_viewer_finds_something_under_them() {
    let app = TestApp::start().await;
    let me = app.register("searcher").await;
    let author = app.register("teaist").await;
    for text in ["#teapot", "#Tea", "#tea", "#toast"] {
        author.post_to(&json!("public"), text).await;
    }
    author.post_to(&json!("friends"), "#teasecret").await;
    let gone = author.post_to(&json!("public"), "#teagone").await;
    author
        .delete(&format!("/v1/posts/{gone}"))
        .await
        .expect_status(204);
    let shown = async |q: &str| -> Vec<String> {
        let path = format!("/v1/search/suggestions?q={q}");
        let reply = me.get(&path).await.expect_status(200);
        let data = reply.json["data"].as_array().cloned().unwrap_or_default();
        let name = |one: &Value| {
            one["tag"]
                .as_str()
                .or(one["user"]["username"].as_str())
                .map(str::to_owned)
        };
        data.iter().filter_map(name).collect()
    };
    assert_eq!(shown("TEA").await, ["teaist", "tea", "teapot"]);
    assert_eq!(shown("%23tea").await, ["tea", "teapot"]);
    assert_eq!(shown("@tea").await, ["teaist"]);
    author
        .set(&format!("/v1/users/{}/block", me.id))
        .await
        .expect_status(200);
    assert_eq!(shown("tea").await, [""; 0]);
}

/// What the cache has read for suggestions so far.
fn suggestions_loaded(app: &TestApp) -> u64 {
    let figures = app.ctx.cache().figures().into_iter();
    let mut own = figures.filter(|(space, _)| space.name == "suggestions");
    own.next().expect("the space is there").1.loads
}

#[tokio::test]
async fn spellings_of_a_prefix_share_what_is_cached_and_prefixes_of_nobody_stay_few() {
    const BYTES: u64 = 1 << 16;
    if !mode::needs("a shared cache", mode::has_shared_cache()) {
        return;
    }
    let redis = OwnRedis::start().await;
    let bytes = BYTES.to_string();
    let url = redis.url();
    let settings = [("REDIS_URL", url.as_str()), ("KITH_L1_BYTES", &bytes)];
    let app = TestApp::start_with(&settings).await;
    app.wait_for_redis().await;
    let me = app.person("searcher").await;
    let suggest = async |q: &str| {
        let path = format!("/v1/search/suggestions?q={q}");
        me.get(&path).await.expect_status(200);
    };
    suggest("Ann%20").await;
    let loaded = suggestions_loaded(&app);
    for spelling in ["ann", "ANN", "%20aNn", "%20Ann%20%20"] {
        suggest(spelling).await;
    }
    assert_eq!(suggestions_loaded(&app), loaded);
    suggest("anna").await;
    assert_eq!(suggestions_loaded(&app), loaded + 1);

    for some in 0..40 {
        let asked = (0..25).map(|number| {
            let (suggest, q) = (&suggest, format!("prefix{some}x{number}"));
            async move { suggest(&q).await }
        });
        futures_util::future::join_all(asked).await;
    }
    assert!(suggestions_loaded(&app) > 1_000);
    let all: Vec<String> = redis
        .ask(redis::cmd("KEYS").arg("*:suggestions:*prefix*"))
        .await
        .expect("Redis answers");
    assert_eq!(all.len(), 0, "{all:?}");
    // Room is made behind.
    let mut looks = 0;
    while app.ctx.cache().l1_size().1 > BYTES {
        looks += 1;
        assert!(looks < 100, "{:?}", app.ctx.cache().l1_size());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    // Typed again, it is worth a place for all.
    suggest("prefix0x0").await;
    let keep = async || -> i64 {
        let stored = redis
            .ask(redis::cmd("KEYS").arg("*:suggestions:*prefix0x0"))
            .await;
        let stored: Vec<String> = stored.expect("Redis answers");
        i64::try_from(stored.len()).expect("few")
    };
    let mut again = 0;
    while keep().await == 0 && again < 3 {
        // The process may have it yet.
        app.ctx
            .cache()
            .void(&["space:suggestions".to_owned()])
            .await;
        suggest("prefix0x0").await;
        again += 1;
    }
    assert_eq!(keep().await, 1);
}
