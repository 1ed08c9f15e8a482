//! What cannot be read or makes no sense is refused with a problem, and changes nothing. The lists of
//! operations come from the OpenAPI document: one that is new is tried too.

mod bodies;
mod ids;
mod lists;
mod protocol;
mod without_redis;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::support::{PASSWORD, Reply, Session, TestApp};

struct Scene {
    app: TestApp,
    alice: Session,
    bob: Session,
    post: String,
    comment: String,
    circle: String,
    request: String,
    conversation: String,
    message: String,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (alice, bob) = app.friends("alice", "bob").await;
        let asking = app.person("asking").await;
        let post = alice.post_to(&json!("friends"), "a post").await;
        let comment = alice.comment_on(&post, "a comment").await;
        let circle = alice.post("/v1/circles", &json!({"name": "c"})).await.id();
        let wish = json!({"user_id": alice.id});
        let request = asking.post("/v1/friend-requests", &wish).await.id();
        let group = json!({"member_ids": [bob.id, asking.id]});
        let conversation = alice.post("/v1/conversations", &group).await.id();
        let messages = format!("/v1/conversations/{conversation}/messages");
        let message = alice
            .post(&messages, &json!({"content": "a message"}))
            .await;
        let message = message.id();
        Self {
            app,
            alice,
            bob,
            post,
            comment,
            circle,
            request,
            conversation,
            message,
        }
    }

    /// A path of the document with ids of Alice's things.
    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(2) {
            Some("posts") => &self.post,
            Some("comments") => &self.comment,
            Some("circles") => &self.circle,
            Some("friend-requests") => &self.request,
            Some("conversations") => &self.conversation,
            Some("messages") => &self.message,
            Some("me") => &self.alice.session_id,
            _ => &self.bob.id,
        };
        template
            .replace("{id}", id)
            .replace("{user_id}", &self.bob.id)
            .replace("{device_id}", "phone")
            .replace("{tag}", "tea")
    }

    /// Every operation that takes a body, with one that fits.
    fn bodies(&self) -> BTreeMap<&'static str, Value> {
        let content = json!({"content": "x"});
        let kind = json!({"kind": "like"});
        BTreeMap::from([
            (
                "POST /v1/auth/register",
                json!({"username": "newone", "email": "n@example.org",
                "password": PASSWORD, "display_name": "New"}),
            ),
            (
                "POST /v1/auth/login",
                json!({"login": self.alice.username, "password": PASSWORD}),
            ),
            ("POST /v1/auth/logout", json!({"refresh_token": "x"})),
            ("POST /v1/auth/refresh", json!({"refresh_token": "x"})),
            ("POST /v1/auth/reauth", json!({"password": PASSWORD})),
            (
                "POST /v1/auth/forgot-password",
                json!({"email": "a@example.org"}),
            ),
            (
                "POST /v1/auth/resend-verification",
                json!({"email": "a@example.org"}),
            ),
            (
                "POST /v1/auth/reset-password",
                json!({"token": "x", "password": PASSWORD}),
            ),
            ("POST /v1/auth/verify-email", json!({"token": "x"})),
            (
                "PUT /v1/me/password",
                json!({"current_password": PASSWORD, "new_password": "another long passphrase"}),
            ),
            (
                "PUT /v1/me/email",
                json!({"email": "another@example.org", "password": PASSWORD}),
            ),
            ("DELETE /v1/me", json!({"password": PASSWORD})),
            ("PATCH /v1/me", json!({"bio": "x"})),
            ("PATCH /v1/me/settings", json!({"searchable": false})),
            ("POST /v1/friend-requests", json!({"user_id": self.bob.id})),
            (
                "PUT /v1/users/{id}/mute",
                json!({"until": "2099-01-01T00:00:00Z"}),
            ),
            ("POST /v1/circles", json!({"name": "new"})),
            ("PATCH /v1/circles/{id}", json!({"name": "renamed"})),
            ("POST /v1/posts", content.clone()),
            ("PATCH /v1/posts/{id}", content.clone()),
            ("PUT /v1/posts/{id}/reaction", kind.clone()),
            ("POST /v1/posts/{id}/comments", content.clone()),
            ("PATCH /v1/comments/{id}", content.clone()),
            (
                "POST /v1/conversations",
                json!({"member_ids": [self.bob.id]}),
            ),
            ("PATCH /v1/conversations/{id}", json!({"title": "x"})),
            (
                "PATCH /v1/conversations/{id}/members/{user_id}",
                json!({"role": "admin"}),
            ),
            ("PATCH /v1/conversations/{id}/me", json!({"pinned": true})),
            ("POST /v1/conversations/{id}/messages", content.clone()),
            ("PUT /v1/conversations/{id}/read", json!({"up_to": 1})),
            ("PUT /v1/conversations/{id}/delivered", json!({"up_to": 1})),
            ("PATCH /v1/messages/{id}", content),
            ("PUT /v1/messages/{id}/reaction", kind.clone()),
            ("PUT /v1/feed/marker", json!({"post_id": self.post})),
            ("POST /v1/views", json!({"post_ids": [self.post]})),
            ("PUT /v1/comments/{id}/reaction", kind),
            (
                "PUT /v1/notifications/seen",
                json!({"up_to": "2026-01-01T00:00:00.000Z"}),
            ),
            (
                "PUT /v1/notifications/read-all",
                json!({"up_to": "2026-01-01T00:00:00.000Z"}),
            ),
            (
                "PUT /v1/me/notification-preferences",
                json!({"preferences": {"reaction": {"push": false}}}),
            ),
            (
                "PUT /v1/me/push-subscriptions/{device_id}",
                json!({"kind": "webpush", "endpoint": "https://push.example.org/x",
                "keys": {"p256dh": "x", "auth": "x"}}),
            ),
        ])
    }

    async fn send(&self, route: &str, kind: &str, body: Vec<u8>) -> Reply {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let request = self.alice.request(method, &self.path(template));
        self.alice
            .send(request.header("Content-Type", kind).body(body))
            .await
    }

    /// A digest of every row that a request may change. Events of security are told of refusals too,
    /// sessions note when they were used, jobs run and events are delivered by themselves, and what
    /// is talked about is ranked, and people are told of what happened.
    async fn digest(&self) -> BTreeMap<String, String> {
        let tables: Vec<String> = sqlx::query_scalar(
            "select relname::text from pg_class
             where relkind = 'r' and relnamespace = 'public'::regnamespace
               and relname not in ('security_event', 'session', 'job', 'outbox', 'cache_void',
                                   'trending_post', 'trending_hashtag', 'notification',
                                   'notification_item', 'notification_delivery',
                                   'mention_told')
               and relname not like 'stream%'",
        )
        .fetch_all(&self.app.db)
        .await
        .expect("tables");
        let mut digests = BTreeMap::new();
        for table in tables {
            let question = format!(
                "select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from {table} t"
            );
            let digest: String = sqlx::query_scalar(AssertSqlSafe(question))
                .fetch_one(&self.app.db)
                .await
                .expect("a digest");
            digests.insert(table, digest);
        }
        digests
    }
}

fn document() -> Value {
    serde_json::to_value(kith::app::document()).expect("JSON")
}

/// The operations of the document, as `GET /v1/posts/{id}`.
fn operations() -> Vec<(String, Value)> {
    let document = document();
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                found.push((
                    format!("{} {path}", method.to_uppercase()),
                    operation.clone(),
                ));
            }
        }
    }
    found
}
