//! Every route refuses the wrong caller. The list of routes comes from the OpenAPI document: a route
//! without a line here fails the test.

mod lines;

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
    /// The operators': nobody else may ask.
    Operators,
    /// Alice herself, whom everybody may see unless there is a block.
    Alice { signed_out: u16, stranger: u16 },
}

use About::{Alice, Anybody, Caller, Friends, Operators};

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
const ADMIN: About = Friends {
    signed_out: 401,
    stranger: 403,
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
        line("GET /health/redis", Anybody(200)),
        line("GET /v1/meta", Anybody(200)),
        line("DELETE /v1/admin/limits/{policy}/{key}", Operators),
    ];
    lines.extend(lines::auth());
    lines.extend(lines::people());
    lines.extend(lines::relation(&alice));
    lines.extend(lines::post(scene));
    lines.extend(lines::messages(&alice));
    lines.extend(lines::administration());
    lines.extend(lines::realtime());
    lines
}

/// The first notification of somebody to whom something has happened.
async fn first_notification(who: &Session) -> String {
    for _ in 0..200 {
        let list = who.get("/v1/notifications").await.expect_status(200);
        if let Some(id) = list.ids().pop() {
            return id;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody told them");
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
    notification: String,
    conversation: String,
    message: String,
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
        let with_friend = json!({"member_ids": [friend.id]});
        let conversation = alice.post("/v1/conversations", &with_friend).await.id();
        let said = alice
            .post(
                &format!("/v1/conversations/{conversation}/messages"),
                &json!({"content": "between us"}),
            )
            .await;
        let message = said.expect_status(201).id();
        alice
            .set(&format!("/v1/users/{}/block", blocked.id))
            .await
            .expect_status(200);
        sqlx::query("update account set state = 'suspended' where username = $1")
            .bind(&suspended.username)
            .execute(&app.db)
            .await
            .expect("suspended");
        app.wait_until_voids_are_delivered().await;
        let notification = first_notification(&alice).await;
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
            notification,
            conversation,
            message,
        }
    }

    fn path(&self, template: &str) -> String {
        [
            ("{alice}", self.alice.id.as_str()),
            ("{post}", &self.post),
            ("{comment}", &self.comment),
            ("{circle}", &self.circle),
            ("{request}", &self.request),
            ("{conversation}", &self.conversation),
            ("{message}", &self.message),
            ("{session}", &self.alice.session_id),
            ("{notification}", &self.notification),
            ("{device}", "phone"),
            ("{job}", "outbox.forget"),
            ("{space}", "post"),
            ("{tag}", "tea"),
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
            Operators => (401, Some(403), Some(403)),
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
