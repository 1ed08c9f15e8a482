//! Who is in a group, and what they may do there.

use serde_json::{Value, json};

use super::{group, listed, said, say, seen, try_say};
use crate::support::{PASSWORD, Session, TestApp};

struct Scene {
    app: TestApp,
    ann: Session,
    ben: Session,
    carol: Session,
    id: String,
}

impl Scene {
    /// Ann's group with her friends Ben and Carol.
    async fn set() -> Self {
        let app = TestApp::start().await;
        let (ann, ben) = app.friends("ann", "ben").await;
        let carol = app.person("carol").await;
        ann.befriend(&carol).await;
        let id = group(&ann, &[&ben, &carol]).await;
        Self {
            app,
            ann,
            ben,
            carol,
            id,
        }
    }

    fn member(&self, who: &Session) -> String {
        format!("/v1/conversations/{}/members/{}", self.id, who.id)
    }

    async fn roles(&self, viewer: &Session) -> Vec<(String, String)> {
        let path = format!("/v1/conversations/{}/members", self.id);
        let mut found: Vec<_> = viewer.walk(&path, 2).await.iter().map(role).collect();
        found.sort();
        found
    }

    async fn newest(&self, viewer: &Session) -> Value {
        let path = format!("/v1/conversations/{}/messages?limit=1", self.id);
        viewer.get(&path).await.expect_status(200).json["data"][0].clone()
    }
}

fn role(member: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&member["role"]), text(&member["user"]["id"]))
}

#[tokio::test]
async fn the_owner_gives_roles_and_gives_the_group_away() {
    let scene = Scene::set().await;
    let Scene {
        ann, ben, carol, ..
    } = &scene;
    let give = async |who: &Session, to: &Session, role: &str| {
        let reply = who.patch(&scene.member(to), &json!({"role": role})).await;
        reply.status
    };
    assert_eq!(give(ben, carol, "admin").await, 403);
    assert_eq!(give(ann, ben, "admin").await, 200);
    assert_eq!(give(ben, carol, "admin").await, 403);
    assert_eq!(give(ann, ann, "member").await, 403);
    assert_eq!(give(ann, carol, "owner").await, 200);
    let expected = [("admin", &ann.id), ("admin", &ben.id), ("owner", &carol.id)];
    let mut expected = expected.map(|(role, id)| (role.to_owned(), id.clone()));
    expected.sort();
    assert_eq!(scene.roles(ben).await, expected);
    let stranger = scene.app.person("stranger").await;
    assert_eq!(give(carol, &stranger, "admin").await, 404);
}

#[tokio::test]
async fn admins_name_the_group_and_that_is_told() {
    let scene = Scene::set().await;
    let Scene { ann, ben, id, .. } = &scene;
    let path = format!("/v1/conversations/{id}");
    ben.patch(&path, &json!({"title": "Ben's"}))
        .await
        .expect_problem(403, "forbidden");
    let named = ann.patch(&path, &json!({"title": "Ours"})).await;
    assert_eq!(named.expect_status(200).json["title"], "Ours");
    let told = scene.newest(ben).await;
    assert_eq!(told["system"]["action"], "titled");
    assert_eq!(told["content"], "Ours");
    let before = seen(ben, id).await["top_seq"].clone();
    ann.patch(&path, &json!({"title": "Ours"}))
        .await
        .expect_status(200);
    assert_eq!(
        seen(ben, id).await["top_seq"],
        before,
        "nothing new to tell"
    );
    let bare = ann.patch(&path, &json!({"title": null})).await;
    assert!(bare.expect_status(200).json["title"].is_null());
    let request = ann.request(reqwest::Method::PATCH, &path);
    let request = request.header("If-Match", "\"1-0011223344556677\"");
    ann.send(request.json(&json!({"title": "Late"})))
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn who_is_removed_keeps_what_was_said_until_then_and_nothing_after() {
    let scene = Scene::set().await;
    let Scene {
        ann,
        ben,
        carol,
        id,
        ..
    } = &scene;
    say(ann, id, "with Ben").await;
    carol
        .delete(&scene.member(ben))
        .await
        .expect_problem(403, "forbidden");
    for _ in 0..2 {
        ann.delete(&scene.member(ben)).await.expect_status(200);
    }
    say(ann, id, "without Ben").await;
    let newest = scene.newest(ben).await;
    assert_eq!(newest["system"]["action"], "removed");
    assert_eq!(newest["system"]["user"]["id"], ben.id);
    let shown = seen(ben, id).await;
    assert_eq!(shown["viewer"]["state"], "left");
    assert_eq!(shown["viewer"]["can_send"], false);
    assert_eq!(shown["top_seq"], newest["seq"]);
    assert_eq!(shown["last_message"]["id"], newest["id"]);
    assert_eq!(shown["members"], json!([]));
    assert!(
        said(ben, id)
            .await
            .iter()
            .all(|(_, text)| text != "without Ben")
    );
    assert_eq!(listed(ben, "?filter=archived").await, [id.as_str()]);
    assert!(listed(ben, "").await.is_empty());
    try_say(ben, id, "let me in").await.expect_status(403);
    let hidden = say(ann, id, "later").await;
    let hidden = format!("/v1/messages/{}", hidden["id"].as_str().expect("an id"));
    ben.delete(&hidden).await.expect_problem(404, "not_found");
    let members = format!("/v1/conversations/{id}/members");
    ben.get(&members).await.expect_problem(403, "forbidden");
    ben.set(&scene.member(ben)).await.expect_status(403);
    assert_eq!(seen(ann, id).await["member_count"], 2);
    // Back again he is asked first, and then sees all of it.
    ann.set(&scene.member(ben)).await.expect_status(200);
    assert_eq!(seen(ben, id).await["viewer"]["state"], "request");
    ben.act(&format!("/v1/conversations/{id}/accept"))
        .await
        .expect_status(200);
    assert!(
        said(ben, id)
            .await
            .iter()
            .any(|(_, text)| text == "without Ben")
    );
}

#[tokio::test]
async fn an_owner_who_leaves_is_followed_by_an_admin_and_the_last_one_by_nobody() {
    let scene = Scene::set().await;
    let Scene {
        ann,
        ben,
        carol,
        id,
        ..
    } = &scene;
    ann.patch(&scene.member(carol), &json!({"role": "admin"}))
        .await
        .expect_status(200);
    for _ in 0..2 {
        let left = ann.delete(&scene.member(ann)).await.expect_status(200);
        assert_eq!(left.json["viewer"]["state"], "left");
    }
    assert_eq!(seen(carol, id).await["viewer"]["role"], "owner");
    assert_eq!(scene.newest(ben).await["system"]["action"], "left");
    carol.delete(&scene.member(carol)).await.expect_status(200);
    assert_eq!(seen(ben, id).await["viewer"]["role"], "owner");
    ben.delete(&scene.member(ben)).await.expect_status(200);
}

#[tokio::test]
async fn any_member_adds_people_who_have_read_what_was_said_before() {
    let scene = Scene::set().await;
    let Scene { ann, ben, id, .. } = &scene;
    let dora = scene.app.person("dora").await;
    ben.befriend(&dora).await;
    say(ann, id, "before").await;
    let added = ben.set(&scene.member(&dora)).await.expect_status(200);
    assert_eq!(added.json["user"]["id"], dora.id);
    assert_eq!(added.json["role"], "member");
    ben.set(&scene.member(&dora)).await.expect_status(200);
    let shown = seen(&dora, id).await;
    assert_eq!(shown["unread"], 1, "that she was added");
    assert_eq!(shown["last_message"]["system"]["action"], "added");
    assert_eq!(shown["last_message"]["system"]["user"]["id"], dora.id);
    assert!(
        said(&dora, id)
            .await
            .iter()
            .any(|(_, text)| text == "before")
    );
    let by_name = format!("/v1/conversations/{id}/members/@{}", dora.username);
    ann.delete(&by_name).await.expect_status(200);
    assert_eq!(seen(&dora, id).await["viewer"]["state"], "left");
    // Two stay two.
    let two = super::direct(ann, ben).await;
    let path = format!("/v1/conversations/{two}/members/{}", dora.id);
    ann.set(&path).await.expect_problem(403, "forbidden");
    let path = format!("/v1/conversations/{two}/members/{}", ann.id);
    ann.delete(&path).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn whoever_comes_first_into_a_group_that_everybody_has_left_owns_it() {
    let app = TestApp::start().await;
    let ann = app.person("ann").await;
    let (ben, carol) = (app.person("ben").await, app.person("carol").await);
    let id = group(&ann, &[&ben, &carol]).await;
    let ann_there = format!("/v1/conversations/{id}/members/{}", ann.id);
    ann.delete(&ann_there).await.expect_status(200);
    for stranger in [&ben, &carol] {
        let accept = format!("/v1/conversations/{id}/accept");
        stranger.act(&accept).await.expect_status(200);
    }
    assert_eq!(seen(&ben, &id).await["viewer"]["role"], "owner");
    assert_eq!(seen(&carol, &id).await["viewer"]["role"], "member");
}

#[tokio::test]
async fn nobody_without_an_account_is_made_the_owner() {
    let scene = Scene::set().await;
    let Scene { ann, ben, id, .. } = &scene;
    let deletion = ben.request(reqwest::Method::DELETE, "/v1/me");
    let deletion = ben.send(deletion.json(&json!({"password": PASSWORD})));
    deletion.await.expect_status(204);
    ann.patch(&scene.member(ben), &json!({"role": "owner"}))
        .await
        .expect_problem(404, "not_found");
    assert_eq!(seen(ann, id).await["viewer"]["role"], "owner");
}

#[tokio::test]
async fn a_group_of_a_deleted_account_goes_to_somebody_who_has_one() {
    let scene = Scene::set().await;
    let Scene {
        ann,
        ben,
        carol,
        id,
        ..
    } = &scene;
    ann.patch(&scene.member(carol), &json!({"role": "admin"}))
        .await
        .expect_status(200);
    for (gone, heir) in [(carol, ann), (ann, ben)] {
        let deletion = gone.request(reqwest::Method::DELETE, "/v1/me");
        let deletion = gone.send(deletion.json(&json!({"password": PASSWORD})));
        deletion.await.expect_status(204);
        let begun = tokio::time::Instant::now();
        while seen(heir, id).await["viewer"]["role"] != "owner" {
            assert!(begun.elapsed().as_secs() < 10, "nobody owns it");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// Being asked again, and the end of that, takes nothing from whoever had left.
#[tokio::test]
async fn who_left_keeps_what_they_had_when_they_are_asked_again_and_it_comes_to_nothing() {
    let scene = Scene::set().await;
    let Scene { ann, ben, id, .. } = &scene;
    say(ann, id, "before").await;
    let path = format!("/v1/conversations/{id}");
    ben.delete(&scene.member(ben)).await.expect_status(200);
    say(ann, id, "after").await;
    let then = ben.get(&path).await.expect_status(200).json;
    for end in ["withdrawn", "declined"] {
        ann.set(&scene.member(ben)).await.expect_status(200);
        assert_eq!(seen(ben, id).await["viewer"]["state"], "request");
        match end {
            "withdrawn" => ann.delete(&scene.member(ben)).await.expect_status(200),
            _ => ben.act(&format!("{path}/decline")).await.expect_status(204),
        };
        let now = ben.get(&path).await.expect_status(200).json;
        assert_eq!(now["viewer"]["state"], "left", "{end}");
        assert_eq!(now["top_seq"], then["top_seq"], "{end}");
        let history = said(ben, id).await;
        assert!(history.iter().any(|(_, text)| text == "before"), "{end}");
        assert!(history.iter().all(|(_, text)| text != "after"), "{end}");
    }
    ann.set(&scene.member(ben)).await.expect_status(200);
    ben.act(&format!("{path}/accept")).await.expect_status(200);
    assert_eq!(seen(ben, id).await["viewer"]["state"], "active");
    let history = said(ben, id).await;
    assert!(history.iter().any(|(_, text)| text == "after"));
}

#[tokio::test]
async fn who_left_sees_the_group_as_it_was_then() {
    let scene = Scene::set().await;
    let Scene { ann, ben, id, .. } = &scene;
    let message = say(ann, id, "before").await;
    let answered = message["id"].as_str().expect("an id");
    let path = format!("/v1/conversations/{id}");
    let answer = json!({"content": "an answer", "reply_to": answered});
    ben.post(&format!("{path}/messages"), &answer)
        .await
        .expect_status(201);
    ben.delete(&scene.member(ben)).await.expect_status(200);
    let then = ben.get(&path).await.expect_status(200);
    assert_eq!(then.json["title"], "A group");
    let history = said(ben, id).await;
    assert!(history.iter().any(|(_, text)| text == "before"));

    let title = json!({"title": "Without Ben"});
    ann.patch(&path, &title).await.expect_status(200);
    let edit = json!({"content": "what Ben is not to know"});
    ann.patch(&format!("/v1/messages/{answered}"), &edit)
        .await
        .expect_status(200);
    let later = scene.app.person("later").await;
    ann.befriend(&later).await;
    ann.set(&scene.member(&later)).await.expect_status(200);
    say(ann, id, "nor this").await;
    let now = ben.get(&path).await.expect_status(200);
    assert_eq!(now.json, then.json);
    assert_eq!(now.header("etag"), then.header("etag"));
    let list = ben.get("/v1/conversations?filter=archived").await;
    assert_eq!(list.expect_status(200).json["data"], json!([then.json]));
    assert!(listed(ben, "?filter=archived&q=without").await.is_empty());
    assert_eq!(
        listed(ben, "?filter=archived&q=a%20group").await,
        [id.as_str()]
    );

    // What was edited since is without words, as if it were deleted.
    for query in ["", "?after_seq=0", &format!("?around={answered}")] {
        let page = ben.get(&format!("{path}/messages{query}")).await;
        let page = page.expect_status(200).json;
        let shown = page["data"].as_array().expect("messages");
        let edited = shown.iter().find(|one| one["id"] == answered);
        let edited = edited.expect("it keeps its place");
        assert_eq!(
            (&edited["content"], &edited["deleted"]),
            (&json!(""), &json!(true))
        );
        let answer = shown.iter().find(|one| one["content"] == "an answer");
        assert_eq!(
            answer.expect("it stays")["reply_to"]["excerpt"],
            Value::Null
        );
        assert!(!page.to_string().contains("is not to know"), "{page}");
    }
    // Their own marks are guarded by the version that they were shown.
    let request = ben.request(reqwest::Method::PATCH, &format!("{path}/me"));
    let request = request.header("If-Match", then.header("etag").expect("a tag"));
    ben.send(request.json(&json!({"pinned": true})))
        .await
        .expect_status(200);

    ann.set(&scene.member(ben)).await.expect_status(200);
    ben.act(&format!("{path}/accept")).await.expect_status(200);
    assert_eq!(seen(ben, id).await["title"], "Without Ben");
    let back = said(ben, id).await;
    assert!(
        back.iter()
            .any(|(_, text)| text == "what Ben is not to know")
    );
}
