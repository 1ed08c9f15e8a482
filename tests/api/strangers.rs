//! Every route refuses the wrong caller. The list of routes comes from the OpenAPI document: a route
//! without a line here fails the test.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Anyone, Reply, Session, TestApp};

/// What a route is about.
#[derive(Clone, Copy)]
enum About {
    /// Nobody's: anybody may ask, signed in or not. The status for a signed-out caller.
    Anybody(u16),
    /// The caller's own things: whoever is signed in may ask.
    Caller,
    /// Something of Alice's, for her friends only. The status for a stranger.
    Friends { signed_out: u16, stranger: u16 },
    /// Alice herself, whom everybody may see unless there is a block.
    Alice { signed_out: u16, stranger: u16 },
}

use About::{Alice, Anybody, Caller, Friends};

struct Line {
    route: &'static str,
    about: About,
    body: Value,
}

fn line(route: &'static str, about: About) -> Line {
    Line {
        route,
        about,
        body: Value::Null,
    }
}

fn with(route: &'static str, about: About, body: Value) -> Line {
    Line { route, about, body }
}

const HIDDEN: About = Friends {
    signed_out: 401,
    stranger: 404,
};
const READABLE: About = Friends {
    signed_out: 404,
    stranger: 404,
};

/// `{post}`, `{comment}`, `{alice}` and so on stand for Alice's things; see [`Scene::path`].
fn lines(scene: &Scene) -> Vec<Line> {
    let alice = json!({"user_id": scene.alice.id});
    let mut lines = vec![
        line("GET /livez", Anybody(200)),
        line("GET /readyz", Anybody(200)),
        line("GET /v1/meta", Anybody(200)),
    ];
    lines.extend(auth_lines());
    lines.extend(people_lines());
    lines.extend(relation_lines(&alice));
    lines.extend(post_lines(scene));
    lines
}

fn auth_lines() -> Vec<Line> {
    vec![
        with("POST /v1/auth/register", Anybody(422), json!({})),
        with("POST /v1/auth/login", Anybody(422), json!({})),
        with(
            "POST /v1/auth/refresh",
            Anybody(401),
            json!({"refresh_token": "x"}),
        ),
        with(
            "POST /v1/auth/verify-email",
            Anybody(422),
            json!({"token": "x"}),
        ),
        with(
            "POST /v1/auth/forgot-password",
            Anybody(202),
            json!({"email": "nobody@example.org"}),
        ),
        with(
            "POST /v1/auth/reset-password",
            Anybody(422),
            json!({"token": "x", "password": "a new long passphrase"}),
        ),
        line("POST /v1/auth/logout", Caller),
        line("POST /v1/auth/logout-all", Caller),
        with("POST /v1/auth/reauth", Caller, json!({"password": "x"})),
        with("POST /v1/auth/resend-verification", Anybody(422), json!({})),
        with(
            "PUT /v1/me/password",
            Caller,
            json!({"current_password": "x", "new_password": "x"}),
        ),
        line("GET /v1/me/sessions", Caller),
        line("DELETE /v1/me/sessions", Caller),
        line("DELETE /v1/me/sessions/{session}", HIDDEN),
        line("GET /v1/me/security-log", Caller),
    ]
}

fn people_lines() -> Vec<Line> {
    vec![
        line("GET /v1/me", Caller),
        with("PATCH /v1/me", Caller, json!({})),
        with("DELETE /v1/me", Caller, json!({"password": "x"})),
        line("GET /v1/me/settings", Caller),
        with("PATCH /v1/me/settings", Caller, json!({})),
        line("GET /v1/me/counts", Caller),
        line("GET /v1/me/saved", Caller),
        line(
            "GET /v1/users/{alice}",
            Alice {
                signed_out: 200,
                stranger: 200,
            },
        ),
        line("GET /v1/users?ids={alice}", Anybody(200)),
        line(
            "GET /v1/users/{alice}/posts",
            Alice {
                signed_out: 200,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/friends",
            Alice {
                signed_out: 401,
                stranger: 403,
            },
        ),
        line(
            "GET /v1/users/{alice}/mutual-friends",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/followers",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "GET /v1/users/{alice}/following",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/search/users?q=alice", Caller),
        line("GET /v1/search/suggestions?q=alice", Caller),
    ]
}

fn relation_lines(alice: &Value) -> Vec<Line> {
    vec![
        with(
            "POST /v1/friend-requests",
            Alice {
                signed_out: 401,
                stranger: 201,
            },
            alice.clone(),
        ),
        line("GET /v1/friend-requests", Caller),
        line("POST /v1/friend-requests/{request}/accept", HIDDEN),
        line("POST /v1/friend-requests/{request}/decline", HIDDEN),
        line("DELETE /v1/friend-requests/{request}", HIDDEN),
        line("GET /v1/friends", Caller),
        line(
            "DELETE /v1/friends/{alice}",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/friends/suggestions", Caller),
        line(
            "DELETE /v1/friends/suggestions/{alice}",
            Alice {
                signed_out: 401,
                stranger: 204,
            },
        ),
        line(
            "PUT /v1/users/{alice}/follow",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "DELETE /v1/users/{alice}/follow",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "PUT /v1/users/{alice}/mute",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line(
            "DELETE /v1/users/{alice}/mute",
            Alice {
                signed_out: 401,
                stranger: 200,
            },
        ),
        line("GET /v1/mutes", Caller),
        line("GET /v1/blocks", Caller),
        line("PUT /v1/users/{nobody}/block", HIDDEN),
        line("DELETE /v1/users/{nobody}/block", HIDDEN),
        line("GET /v1/relationships?ids={alice}", Caller),
        line("GET /v1/circles", Caller),
        with("POST /v1/circles", Caller, json!({"name": "x"})),
        line("GET /v1/circles/{circle}", HIDDEN),
        with("PATCH /v1/circles/{circle}", HIDDEN, json!({"name": "y"})),
        line("DELETE /v1/circles/{circle}", HIDDEN),
        line("PUT /v1/circles/{circle}/members/{alice}", HIDDEN),
        line("DELETE /v1/circles/{circle}/members/{alice}", HIDDEN),
    ]
}

fn post_lines(scene: &Scene) -> Vec<Line> {
    let like = json!({"kind": "like"});
    vec![
        with("POST /v1/posts", Caller, json!({"content": "x"})),
        line("GET /v1/posts?ids={post}", Anybody(200)),
        line("GET /v1/posts/{post}", READABLE),
        with("PATCH /v1/posts/{post}", HIDDEN, json!({"content": "y"})),
        line("DELETE /v1/posts/{post}", HIDDEN),
        line("POST /v1/posts/{post}/restore", HIDDEN),
        line("GET /v1/posts/{post}/history", READABLE),
        with("PUT /v1/posts/{post}/reaction", HIDDEN, like.clone()),
        line("DELETE /v1/posts/{post}/reaction", HIDDEN),
        line("GET /v1/posts/{post}/reactions", READABLE),
        line("PUT /v1/posts/{post}/saved", HIDDEN),
        line("DELETE /v1/posts/{post}/saved", HIDDEN),
        line("PUT /v1/posts/{post}/hidden", HIDDEN),
        line("DELETE /v1/posts/{post}/hidden", HIDDEN),
        line("GET /v1/posts/{post}/comments", READABLE),
        with(
            "POST /v1/posts/{post}/comments",
            HIDDEN,
            json!({"content": "x"}),
        ),
        line("GET /v1/comments/{comment}", READABLE),
        with(
            "PATCH /v1/comments/{comment}",
            HIDDEN,
            json!({"content": "y"}),
        ),
        line("DELETE /v1/comments/{comment}", HIDDEN),
        line("GET /v1/comments/{comment}/replies", READABLE),
        with("PUT /v1/comments/{comment}/reaction", HIDDEN, like),
        line("DELETE /v1/comments/{comment}/reaction", HIDDEN),
        with(
            "POST /v1/posts",
            Friends {
                signed_out: 401,
                stranger: 422,
            },
            json!({"content": "x", "shared_post_id": scene.post}),
        ),
        line("GET /v1/feed", Caller),
    ]
}

struct Scene {
    app: TestApp,
    alice: Session,
    stranger: Session,
    blocked: Session,
    suspended: Session,
    post: String,
    comment: String,
    circle: String,
    request: String,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (alice, friend) = app.friends("alice", "friend").await;
        let (stranger, blocked) = (app.person("stranger").await, app.person("blocked").await);
        let (suspended, asking) = (app.person("suspended").await, app.person("asking").await);
        let post = alice.post_to(&json!("friends"), "for friends").await;
        let comment = friend.comment_on(&post, "among friends").await;
        let circle = alice
            .post("/v1/circles", &json!({"name": "c"}))
            .await
            .expect_status(201)
            .id();
        let wish = json!({"user_id": alice.id});
        let request = asking
            .post("/v1/friend-requests", &wish)
            .await
            .expect_status(201)
            .id();
        alice
            .set(&format!("/v1/users/{}/block", blocked.id))
            .await
            .expect_status(200);
        sqlx::query("update account set state = 'suspended' where username = $1")
            .bind(&suspended.username)
            .execute(&app.db)
            .await
            .expect("suspended");
        Self {
            app,
            alice,
            stranger,
            blocked,
            suspended,
            post,
            comment,
            circle,
            request,
        }
    }

    fn path(&self, template: &str) -> String {
        [
            ("{alice}", self.alice.id.as_str()),
            ("{post}", &self.post),
            ("{comment}", &self.comment),
            ("{circle}", &self.circle),
            ("{request}", &self.request),
            ("{session}", &self.alice.session_id),
            ("{nobody}", "01938b2f-5a00-7000-8000-000000000001"),
        ]
        .iter()
        .fold(template.to_owned(), |path, (name, id)| {
            path.replace(name, id)
        })
    }

    async fn ask(&self, who: &Anyone, line: &Line) -> Reply {
        let (method, template) = line.route.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let request = who.request(method, &self.path(template));
        who.send(if line.body.is_null() {
            request
        } else {
            request.json(&line.body)
        })
        .await
    }
}

#[tokio::test]
async fn every_route_refuses_the_wrong_caller() {
    let scene = Scene::set().await;
    let anonymous = scene.app.anyone();
    for line in &lines(&scene) {
        let route = line.route;
        let (signed_out, stranger, blocked) = match line.about {
            Anybody(status) => (status, None, None),
            Caller => (401, None, None),
            Friends {
                signed_out,
                stranger,
            } => (signed_out, Some(stranger), Some(stranger)),
            Alice {
                signed_out,
                stranger,
            } => (signed_out, Some(stranger), Some(404)),
        };
        assert_eq!(
            scene.ask(&anonymous, line).await.status,
            signed_out,
            "{route}, signed out"
        );
        if let Some(blocked) = blocked {
            assert_eq!(
                scene.ask(&scene.blocked, line).await.status,
                blocked,
                "{route}, blocked"
            );
        }
        if let Some(stranger) = stranger {
            let reply = scene.ask(&scene.stranger, line).await;
            assert_eq!(reply.status, stranger, "{route}, stranger: {}", reply.json);
        }
        if !matches!(line.about, Anybody(_)) {
            let reply = scene.ask(&scene.suspended, line).await;
            assert_eq!(reply.status, 403, "{route}, suspended: {}", reply.json);
            assert_eq!(reply.json["code"], "account_suspended", "{route}");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_document_is_in_the_list() {
    let scene = Scene::set().await;
    let listed: BTreeSet<String> = lines(&scene).iter().map(|line| shape(line.route)).collect();
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    let mut missing = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("methods").keys() {
            let route = format!("{} {path}", method.to_uppercase());
            if ["GET", "POST", "PUT", "PATCH", "DELETE"]
                .iter()
                .any(|m| route.starts_with(m))
                && !listed.contains(&shape(&route))
            {
                missing.push(route);
            }
        }
    }
    assert!(missing.is_empty(), "not in the list: {missing:#?}");
}

/// A route without its query and with all parameters named alike.
fn shape(route: &str) -> String {
    let path = route.split('?').next().unwrap_or_default();
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
