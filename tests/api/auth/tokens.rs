//! Access and refresh tokens.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::{Reply, TestApp, another_session, log_of, refresh, text};

#[tokio::test]
async fn a_refresh_token_counts_once() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let anyone = app.anyone();
    let first = refresh(&anyone, &ada.refresh_token)
        .await
        .expect_status(200);
    assert_eq!(first.header("cache-control").as_deref(), Some("no-store"));
    let second = text(&first.json["refresh_token"]);
    assert_ne!(second, ada.refresh_token);
    // Whoever lost the answer gets the same one again.
    let again = refresh(&anyone, &ada.refresh_token)
        .await
        .expect_status(200);
    assert_eq!(text(&again.json["refresh_token"]), second);
    let third = refresh(&anyone, &second).await.expect_status(200);

    // The successor of the first is used now: somebody has a copy.
    let reused = refresh(&anyone, &ada.refresh_token).await;
    reused.expect_problem(401, "session_revoked");
    let last = refresh(&anyone, &text(&third.json["refresh_token"])).await;
    last.expect_problem(401, "session_revoked");
    let access = anyone.with_token(&text(&third.json["access_token"]));
    let dead = access.get("/v1/me").await;
    dead.expect_problem(401, "session_revoked");

    let other = another_session(&app, &ada).await;
    assert!(log_of(&other).await.contains(&"refresh_reused".to_owned()));
}

#[tokio::test]
async fn a_repeat_after_half_a_minute_ends_the_session() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let anyone = app.anyone();
    refresh(&anyone, &ada.refresh_token)
        .await
        .expect_status(200);
    sqlx::query("update refresh_token set used_at = used_at - interval '31 s'")
        .execute(&app.db)
        .await
        .expect("aged");
    let late = refresh(&anyone, &ada.refresh_token).await;
    late.expect_problem(401, "session_revoked");
    ada.get("/v1/me")
        .await
        .expect_problem(401, "session_revoked");
}

#[tokio::test]
async fn used_tokens_are_forgotten_thirty_days_after_their_use() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    sqlx::query(
        "insert into refresh_token (token_hash, session_id, issued_at, used_at)
         select decode(md5(days::text), 'hex'), session_id, now(), now() - days * interval '1 day'
         from session, unnest(array[29, 31, 120]) days",
    )
    .execute(&app.db)
    .await
    .expect("tokens");
    refresh(&app.anyone(), &ada.refresh_token)
        .await
        .expect_status(200);
    let left: i64 = sqlx::query_scalar("select count(*) from refresh_token")
        .fetch_one(&app.db)
        .await
        .expect("a count");
    assert_eq!(
        left, 3,
        "the new one, the one before and that of 29 days ago"
    );
}

#[tokio::test]
async fn two_refreshes_at_once_get_the_same_successor() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let anyone = app.anyone();
    let (one, other) = tokio::join!(
        refresh(&anyone, &ada.refresh_token),
        refresh(&anyone, &ada.refresh_token)
    );
    let token = |reply: Reply| text(&reply.expect_status(200).json["refresh_token"]);
    let (one, other) = (token(one), token(other));
    assert_eq!(one, other);
    refresh(&anyone, &one).await.expect_status(200);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let anyone = app.anyone();
    let unknown = "A".repeat(43);
    for token in ["", "nonsense", &unknown, &ada.access_token] {
        let reply = refresh(&anyone, token).await;
        reply.expect_problem(401, "invalid_token");
    }
    let none = anyone.act("/v1/auth/refresh").await;
    none.expect_problem(422, "validation_failed");
    let bearer = anyone.with_token(&ada.refresh_token).get("/v1/me").await;
    bearer.expect_problem(401, "invalid_token");
}

fn forged(header: &Header, secret: &str, claims: &Value) -> String {
    encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).expect("signed")
}

#[tokio::test]
async fn forged_access_tokens_are_refused() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let app = TestApp::start().await;
    let ada = app.register("ada").await;
    let far = 4_000_000_000_u64;
    let claims = json!({"sub": ada.id, "sid": ada.session_id, "iss": "kith", "aud": "kith",
        "jti": "x", "iat": 0, "exp": far});
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("test".to_owned());
    header.typ = Some("at+jwt".to_owned());
    let with = |change: &dyn Fn(&mut Header, &mut Value)| {
        let (mut header, mut claims) = (header.clone(), claims.clone());
        change(&mut header, &mut claims);
        forged(&header, KEY, &claims)
    };
    let good = with(&|_, _| {});
    let anyone = app.anyone();
    let own = anyone.with_token(&good).get("/v1/me").await;
    own.expect_status(200);

    let payload = good.split('.').nth(1).expect("a payload");
    // {"alg":"none","kid":"test","typ":"at+jwt"}
    let none = "eyJhbGciOiJub25lIiwia2lkIjoidGVzdCIsInR5cCI6ImF0K2p3dCJ9";
    let forgeries = [
        format!("{none}.{payload}."),
        forged(&header, "another secret of the same length", &claims),
        with(&|header, _| header.alg = Algorithm::HS512),
        with(&|header, _| header.kid = Some("other".to_owned())),
        with(&|header, _| header.kid = None),
        with(&|header, _| header.typ = Some("JWT".to_owned())),
        with(&|_, claims| claims["iss"] = json!("elsewhere")),
        with(&|_, claims| claims["aud"] = json!("elsewhere")),
        with(&|_, claims| claims["sub"] = json!("nobody")),
        format!("{good}x"),
        String::new(),
    ];
    for token in forgeries {
        let reply = anyone.with_token(&token).get("/v1/me").await;
        reply.expect_problem(401, "invalid_token");
    }
    let old = with(&|_, claims| claims["exp"] = json!(1));
    let reply = anyone.with_token(&old).get("/v1/me").await;
    reply.expect_problem(401, "token_expired");
    let eve = app.register("eve").await;
    let foreign = with(&|_, claims| claims["sub"] = json!(eve.id));
    let reply = anyone.with_token(&foreign).get("/v1/me").await;
    reply.expect_problem(401, "session_revoked");
}

/// The key that signed an access token.
fn key_of(token: &str) -> String {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    header.kid.expect("a key")
}

#[tokio::test]
async fn of_several_keys_the_first_signs_and_all_verify() {
    const OLD: &str = "test:0123456789abcdef0123456789abcdef";
    let app = TestApp::start().await;
    let keys = format!("next:another-key-of-32-bytes-or-more-,{OLD}");
    let other = app.start_beside(&[("KITH_JWT_KEYS", &keys)]).await;
    let ada = app.register("ada").await;
    assert_eq!(key_of(&ada.access_token), "test");
    let there = ada.at(&other.url);
    there.get("/v1/me").await.expect_status(200);
    let renewed = refresh(&other.anyone(), &ada.refresh_token).await;
    let renewed = text(&renewed.expect_status(200).json["access_token"]);
    assert_eq!(key_of(&renewed), "next");
    let other_way = other.anyone().with_token(&renewed);
    other_way.get("/v1/me").await.expect_status(200);
    // Whoever has not got the new key yet knows no token of it.
    let early = app.anyone().with_token(&renewed).get("/v1/me").await;
    early.expect_problem(401, "invalid_token");
}

#[tokio::test]
async fn what_was_made_under_the_secret_before_still_counts() {
    const OLD: &str = "fedcba9876543210fedcba9876543210";
    const NEW: &str = "another-secret-of-32-bytes-or-so";
    let app = TestApp::start().await;
    let both = format!("{NEW},{OLD}");
    let next = app.start_beside(&[("KITH_SECRET_KEY", &both)]).await;
    let last = app.start_beside(&[("KITH_SECRET_KEY", NEW)]).await;
    let ada = app.register("ada").await;
    for number in 0..3 {
        ada.post_to(&json!("public"), &format!("post {number}"))
            .await;
    }
    let cursor_of = async |app: &TestApp| {
        let page = ada.at(&app.url).get("/v1/feed?limit=1").await;
        page.expect_status(200).next().expect("a cursor")
    };
    let old = format!("/v1/feed?limit=1&cursor={}", cursor_of(&app).await);
    let page = ada.at(&next.url).get(&old).await.expect_status(200);
    assert_eq!(page.json["data"][0]["content"], "post 1");
    let forgotten = ada.at(&last.url).get(&old).await;
    assert_eq!(forgotten.status, 400, "{:#}", forgotten.json);
    // What is made from now on is made under the new one.
    let new = format!("/v1/feed?limit=1&cursor={}", cursor_of(&next).await);
    ada.at(&last.url).get(&new).await.expect_status(200);

    // Whoever lost the answer gets the same token from whoever has both.
    let given = refresh(&app.anyone(), &ada.refresh_token).await;
    let given = text(&given.expect_status(200).json["refresh_token"]);
    let again = refresh(&next.anyone(), &ada.refresh_token).await;
    assert_eq!(text(&again.expect_status(200).json["refresh_token"]), given);
    refresh(&next.anyone(), &given).await.expect_status(200);
}
