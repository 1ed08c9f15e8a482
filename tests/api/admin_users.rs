//! Accounts for administrators.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

#[tokio::test]
async fn an_administrator_finds_accounts_by_name_and_address() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.register("ada").await);
    app.register("bob").await;
    let found = async |q: &str| -> Vec<Value> {
        let path = format!("/v1/admin/users?q={q}");
        let list = admin.get(&path).await.expect_status(200).json;
        list["data"].as_array().expect("a list").clone()
    };
    for q in ["ada", "ADA%40example"] {
        let accounts = found(q).await;
        assert_eq!(accounts.len(), 1, "{accounts:#?}");
        let expected = (&json!(ada.id), &json!("ada@example.org"), &json!("active"));
        let account = &accounts[0];
        assert_eq!(
            (&account["id"], &account["email"], &account["state"]),
            expected
        );
    }
    assert_eq!(found("nobody").await, Vec::<Value>::new());
    assert_eq!(admin.walk("/v1/admin/users", 1).await.len(), 3);
    ada.get("/v1/admin/users")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_administrator_suspends_restores_and_promotes_others() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.register("ada").await);
    let path = format!("/v1/admin/users/{}", ada.id);
    let change = async |change: Value| admin.patch(&path, &change).await;
    let until = "2100-01-01T00:00:00Z";
    let suspended = change(json!({"state": "suspended", "until": until, "reason": "spam"}));
    let suspended = suspended.await.expect_status(200).json;
    assert_eq!(suspended["state"], "suspended");
    assert_eq!(suspended["suspended_until"], "2100-01-01T00:00:00.000Z");
    assert_eq!(suspended["suspended_reason"], "spam");
    app.wait_until_voids_are_delivered().await;
    assert!([401, 403].contains(&ada.get("/v1/me").await.status));
    let sign_in = async || {
        let body = json!({"login": "ada", "password": PASSWORD});
        app.anyone().post("/v1/auth/login", &body).await
    };
    sign_in().await.expect_problem(403, "account_suspended");
    let restored = change(json!({"state": "active", "role": "moderator"})).await;
    let restored = restored.expect_status(200).json;
    assert_eq!(
        (&restored["state"], &restored["role"]),
        (&json!("active"), &json!("moderator"))
    );
    sign_in().await.expect_status(200);
}

#[tokio::test]
async fn an_administrator_reads_an_account_by_id_or_name_and_changes_that_version_alone() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.register("ada").await);
    let (by_id, by_name) = (
        format!("/v1/admin/users/{}", ada.id),
        "/v1/admin/users/@Ada".to_owned(),
    );
    let read = admin.get(&by_id).await.expect_status(200);
    assert_eq!(read.json["email"], "ada@example.org");
    assert_eq!(read.header("cache-control").as_deref(), Some("no-store"));
    let named = admin.get(&by_name).await.expect_status(200);
    assert_eq!(named.json, read.json);
    let tag = read.header("etag").expect("a tag");
    assert_eq!(named.header("etag").as_deref(), Some(tag.as_str()));
    let change = async |path: &str, tag: &str, change: Value| {
        let request = admin.request(Method::PATCH, path).header("If-Match", tag);
        admin.send(request.json(&change)).await
    };
    let suspended = change(&by_name, &tag, json!({"state": "suspended"})).await;
    let suspended = suspended.expect_status(200);
    let late = change(&by_id, &tag, json!({"role": "moderator"})).await;
    late.expect_problem(412, "precondition_failed");
    let now = admin.get(&by_name).await.expect_status(200);
    assert_eq!(now.json, suspended.json, "whatever its state");
    assert_eq!(now.header("etag"), suspended.header("etag"));
    for nobody in ["@nobody", "nobody", "00000000-0000-0000-0000-000000000000"] {
        let path = format!("/v1/admin/users/{nobody}");
        admin.get(&path).await.expect_problem(404, "not_found");
    }
    app.person("bob")
        .await
        .get(&by_id)
        .await
        .expect_problem(403, "forbidden");
}

/// The answer is held against its description, as all answers of tests are.
#[tokio::test]
async fn of_a_deleted_account_nothing_changes() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.register("ada").await);
    let goodbye = ada.request(Method::DELETE, "/v1/me");
    let goodbye = goodbye.json(&json!({"password": PASSWORD}));
    ada.send(goodbye).await.expect_status(204);
    let path = format!("/v1/admin/users/{}", ada.id);
    for state in ["active", "suspended"] {
        let refused = admin.patch(&path, &json!({"state": state})).await;
        refused.expect_problem(409, "conflict");
    }
}

#[tokio::test]
async fn what_makes_no_sense_of_an_account_is_refused() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.admin().await, app.register("ada").await);
    let path = format!("/v1/admin/users/{}", ada.id);
    for (change, pointer, code) in [
        (
            json!({"until": "2100-01-01T00:00:00Z"}),
            "/until",
            "not_suspended",
        ),
        (
            json!({"state": "active", "reason": "x"}),
            "/reason",
            "not_suspended",
        ),
        (
            json!({"state": "suspended", "until": "2020-01-01T00:00:00Z"}),
            "/until",
            "in_the_past",
        ),
    ] {
        let refused = admin.patch(&path, &change).await;
        let refused = refused.expect_problem(422, "validation_failed");
        let fault = &refused.json["errors"][0];
        assert_eq!(
            (&fault["pointer"], &fault["code"]),
            (&json!(pointer), &json!(code))
        );
    }
    let own = format!("/v1/admin/users/{}", admin.id);
    let own = admin.patch(&own, &json!({"role": "user"})).await;
    own.expect_problem(403, "forbidden");
    let nobody = "/v1/admin/users/00000000-0000-0000-0000-000000000000";
    let nobody = admin.patch(nobody, &json!({"role": "user"})).await;
    nobody.expect_problem(404, "not_found");
}
