//! Those who use kith: anyone, or somebody who is signed in.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::contract;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as JSON; null when there is none.
    pub json: Value,
    /// What was asked, for messages.
    asked: String,
}

impl Reply {
    /// Fails the test unless the answer has this status.
    #[track_caller]
    pub fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {:#}", self.asked, self.json);
        self
    }

    /// Fails the test unless the answer is this problem.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect_status(status);
        assert_eq!(
            reply.json["code"], code,
            "{}: {:#}",
            reply.asked, reply.json
        );
        let kind = reply.header("content-type");
        assert_eq!(
            kind.as_deref(),
            Some("application/problem+json"),
            "{}",
            reply.asked
        );
        reply
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<String> {
        Some(self.headers.get(name)?.to_str().expect("ASCII").to_owned())
    }

    /// How many SQL statements it took.
    #[track_caller]
    pub fn sql(&self) -> u32 {
        self.calls("sql")
    }

    /// How many round trips to Redis it took.
    #[track_caller]
    pub fn redis(&self) -> u32 {
        self.calls("redis")
    }

    /// The count that `Server-Timing` gives for `name`.
    #[track_caller]
    fn calls(&self, name: &str) -> u32 {
        let timing = self.header("server-timing").expect("Server-Timing");
        let entry = timing.split(", ").find_map(|entry| {
            let (_, count) = entry.split_once(&format!("{name};desc=\""))?;
            count.split('"').next()?.parse().ok()
        });
        entry.unwrap_or_else(|| panic!("{}: no {name} in {timing}", self.asked))
    }

    /// The `id` of the object in the answer.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json["id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}: {}", self.asked, self.json))
            .to_owned()
    }

    /// The ids of the list in the answer.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let data = self.json["data"]
            .as_array()
            .unwrap_or_else(|| panic!("{}: {}", self.asked, self.json));
        data.iter()
            .map(|item| item["id"].as_str().expect("an id").to_owned())
            .collect()
    }

    /// The cursor of the next page.
    pub fn next(&self) -> Option<String> {
        self.json["page"]["next"].as_str().map(str::to_owned)
    }

    /// The cursor of the page before.
    pub fn prev(&self) -> Option<String> {
        self.json["page"]["prev"].as_str().map(str::to_owned)
    }
}

/// Somebody who is signed out.
#[derive(Clone)]
pub struct Anyone {
    url: String,
    token: Option<String>,
    http: reqwest::Client,
}

impl Anyone {
    /// Uses the kith at `url`.
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self {
            url: url.to_owned(),
            token: None,
            http,
        }
    }

    /// The same with an access token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request to be completed by the caller.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Sends a request and reads the answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let request = request.build().expect("a request");
        let asked = format!("{} {}", request.method(), request.url());
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = self.http.execute(request).await.expect("kith answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("a whole body");
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        contract::check(&asked, &method, &path, status, &headers);
        Reply {
            status,
            headers,
            json,
            asked,
        }
    }

    /// `GET`
    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path)).await
    }

    /// `POST` with a body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// `POST` with a body and an idempotency key.
    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Reply {
        let request = self
            .request(Method::POST, path)
            .header("Idempotency-Key", key);
        self.send(request.json(body)).await
    }

    /// `POST` without a body.
    pub async fn act(&self, path: &str) -> Reply {
        self.send(self.request(Method::POST, path)).await
    }

    /// `PUT` with a body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    /// `PUT` without a body.
    pub async fn set(&self, path: &str) -> Reply {
        self.send(self.request(Method::PUT, path)).await
    }

    /// `PATCH` with a body.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(Method::PATCH, path).json(body))
            .await
    }

    /// `DELETE`
    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path)).await
    }

    /// Walks a list to its end by `page.next` and gives all its items.
    pub async fn walk(&self, path: &str, limit: u16) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{joint}limit={limit}");
        let mut items = Vec::new();
        let mut next = Some(first.clone());
        while let Some(page) = next {
            let reply = self.get(&page).await.expect_status(200);
            items.extend(
                reply.json["data"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .cloned(),
            );
            next = reply
                .next()
                .map(|cursor| format!("{first}&cursor={cursor}"));
        }
        items
    }
}

/// Somebody who is signed in.
#[derive(Clone)]
#[expect(
    clippy::struct_field_names,
    reason = "the fields are called as on the wire"
)]
pub struct Session {
    /// Their id.
    pub id: String,
    /// Their username.
    pub username: String,
    /// Access token.
    pub access_token: String,
    /// Refresh token.
    pub refresh_token: String,
    /// The session's id.
    pub session_id: String,
    anyone: Anyone,
}

impl std::ops::Deref for Session {
    type Target = Anyone;
    fn deref(&self) -> &Anyone {
        &self.anyone
    }
}

impl Session {
    /// The session that registration or sign-in answered with.
    pub fn new(url: &str, answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().expect("a string").to_owned();
        let access_token = text(&answer["access_token"]);
        Self {
            id: text(&answer["user"]["id"]),
            username: text(&answer["user"]["username"]),
            refresh_token: text(&answer["refresh_token"]),
            session_id: text(&answer["session_id"]),
            anyone: Anyone::new(url).with_token(&access_token),
            access_token,
        }
    }

    /// The same person at another instance.
    pub fn at(&self, url: &str) -> Self {
        Self {
            anyone: Anyone::new(url).with_token(&self.access_token),
            ..self.clone()
        }
    }

    /// Becomes the friend of `other`, by request and acceptance.
    pub async fn befriend(&self, other: &Self) {
        let request = self
            .post("/v1/friend-requests", &json!({"user_id": other.id}))
            .await
            .expect_status(201);
        other
            .act(&format!("/v1/friend-requests/{}/accept", request.id()))
            .await
            .expect_status(200);
    }

    /// Posts, and gives the post's id.
    pub async fn post_to(&self, audience: &Value, content: &str) -> String {
        let body = json!({"content": content, "audience": audience});
        self.post("/v1/posts", &body).await.expect_status(201).id()
    }

    /// Comments, and gives the comment's id.
    pub async fn comment_on(&self, post_id: &str, content: &str) -> String {
        let path = format!("/v1/posts/{post_id}/comments");
        self.post(&path, &json!({"content": content}))
            .await
            .expect_status(201)
            .id()
    }
}
