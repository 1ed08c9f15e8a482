//! What each deed voids: all that depends on it, and nothing else. A tag too many costs every reader of what has
//! it a load; a tag too few leaves something wrong.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{Reply, Session, TestApp};

/// Keeps what is voided, which the table of voids forgets once it is delivered.
const LOG: &str = "
    create table voided (tag text not null);
    create function log_void() returns trigger language plpgsql as $$
    begin
        insert into voided select unnest(new.tags);
        return null;
    end
    $$;
    create trigger log_void after insert on cache_void for each row execute function log_void();";

trait Done {
    /// Fails the test where the deed was refused.
    fn well(self);
}

impl Done for Reply {
    fn well(self) {
        assert!(
            (200..300).contains(&self.status),
            "{}: {}",
            self.status,
            self.json
        );
    }
}

/// People and things with the names that they have in the tables below.
struct Deeds {
    app: TestApp,
    names: BTreeMap<String, &'static str>,
    wrong: Vec<String>,
}

impl Deeds {
    async fn new() -> Self {
        // Nothing happens but what is asked for.
        let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
        sqlx::raw_sql(LOG).execute(&app.db).await.expect("a log");
        Self {
            app,
            names: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    async fn person(&mut self, name: &'static str) -> Session {
        let person = self.app.person(name).await;
        self.name(&person.id, name);
        self.names.insert(person.username.clone(), name);
        self.voided().await;
        person
    }

    fn name(&mut self, id: &str, name: &'static str) {
        self.names.insert(id.to_owned(), name);
    }

    /// What was voided since the last look, in words.
    async fn voided(&self) -> Vec<String> {
        let tags: Vec<String> = sqlx::query_scalar("delete from voided returning tag")
            .fetch_all(&self.app.db)
            .await
            .expect("tags");
        let word = |tag: &String| {
            let (kind, id) = tag.split_once(':').expect("a kind and an id");
            format!("{kind}:{}", self.names.get(id).copied().unwrap_or(id))
        };
        let mut words: Vec<String> = tags.iter().map(word).collect();
        words.sort();
        words.dedup();
        words
    }

    /// Notes it if what was voided since the last look is not this.
    async fn expect(&mut self, deed: &str, expected: &str) {
        let voided = self.voided().await.join(" ");
        if voided != expected {
            let told = format!("{deed}:\n  voids    {voided}\n  expected {expected}");
            self.wrong.push(told);
        }
    }

    fn end(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[tokio::test]
async fn each_deed_on_posts_voids_what_depends_on_it_and_nothing_else() {
    let mut deeds = Deeds::new().await;
    let (ann, bob) = (deeds.person("ann").await, deeds.person("bob").await);
    let public = json!({"kind": "public"});

    let post = ann.post_to(&public, "hello #there").await;
    deeds.name(&post, "post");
    deeds
        .expect(
            "posting",
            "author-posts:ann post-counts:post post:post user-counts:ann",
        )
        .await;
    let at = format!("/v1/posts/{post}");
    ann.patch(&at, &json!({"content": "edited"})).await.well();
    deeds
        .expect("editing a post", "author-posts:ann post:post")
        .await;
    ann.patch(&at, &json!({"audience": {"kind": "friends"}}))
        .await
        .well();
    deeds
        .expect(
            "changing an audience",
            "author-posts:ann post:post user-counts:ann",
        )
        .await;
    ann.patch(&at, &json!({"audience": public})).await.well();
    deeds.voided().await;

    let reaction = format!("{at}/reaction");
    bob.put(&reaction, &json!({"kind": "love"})).await.well();
    deeds
        .expect("reacting", "marks:bob reaction-summary:post reactions:post")
        .await;
    bob.put(&reaction, &json!({"kind": "love"})).await.well();
    deeds.expect("reacting the same again", "").await;
    bob.delete(&reaction).await.well();
    deeds
        .expect(
            "taking it back",
            "marks:bob reaction-summary:post reactions:post",
        )
        .await;
    bob.set(&format!("{at}/saved")).await.well();
    deeds.expect("saving a post", "marks:bob").await;
    bob.set(&format!("{at}/hidden")).await.well();
    deeds.expect("hiding a post", "marks:bob").await;

    let comment = ann.comment_on(&post, "first").await;
    deeds.name(&comment, "comment");
    deeds
        .expect(
            "commenting",
            "comment-counts:comment comment:comment comments:post post-counts:post",
        )
        .await;
    let there = format!("/v1/comments/{comment}");
    ann.patch(&there, &json!({"content": "second"}))
        .await
        .well();
    deeds
        .expect("editing a comment", "comment:comment comments:post")
        .await;
    ann.delete(&there).await.well();
    deeds
        .expect(
            "deleting a comment",
            "comment:comment comments:post post-counts:post",
        )
        .await;

    ann.delete(&at).await.well();
    deeds
        .expect(
            "deleting a post",
            "author-posts:ann post:post user-counts:ann",
        )
        .await;
    deeds.end();
}

#[tokio::test]
async fn each_deed_between_people_voids_what_depends_on_it_and_nothing_else() {
    let mut deeds = Deeds::new().await;
    let (ann, bob) = (deeds.person("ann").await, deeds.person("bob").await);
    let to_bob = json!({"user_id": bob.id});

    let request = ann.post("/v1/friend-requests", &to_bob).await;
    let request = request.expect_status(201).id();
    let asked = "friend-requests:bob relations:ann relations:bob";
    deeds.expect("asking for a friendship", asked).await;
    bob.act(&format!("/v1/friend-requests/{request}/accept"))
        .await
        .well();
    let accepted = "friend-requests:bob relations:ann relations:bob timeline:ann timeline:bob \
                    user-counts:ann user-counts:bob";
    deeds.expect("accepting", accepted).await;
    ann.delete(&format!("/v1/friends/{}", bob.id)).await.well();
    let ended =
        "relations:ann relations:bob timeline:ann timeline:bob user-counts:ann user-counts:bob";
    deeds.expect("unfriending", ended).await;

    let follow = format!("/v1/users/{}/follow", bob.id);
    let followed = "relations:ann relations:bob timeline:ann user-counts:ann user-counts:bob";
    ann.set(&follow).await.well();
    deeds.expect("following", followed).await;
    ann.set(&follow).await.well();
    deeds.expect("following again", "").await;
    ann.delete(&follow).await.well();
    deeds.expect("unfollowing", followed).await;

    let mute = format!("/v1/users/{}/mute", bob.id);
    ann.set(&mute).await.well();
    deeds.expect("muting", "relations:ann").await;
    let block = format!("/v1/users/{}/block", bob.id);
    let blocked = "relations:ann relations:bob timeline:ann timeline:bob";
    ann.set(&block).await.well();
    deeds.expect("blocking", blocked).await;
    ann.delete(&block).await.well();
    deeds.expect("unblocking", blocked).await;

    let circle = ann.post("/v1/circles", &json!({"name": "club"})).await;
    let circle = circle.expect_status(201).id();
    deeds.name(&circle, "circle");
    let changed = "circle:circle circles:ann";
    deeds.expect("making a circle", changed).await;
    ann.patch(&format!("/v1/circles/{circle}"), &json!({"name": "team"}))
        .await
        .well();
    deeds.expect("renaming a circle", changed).await;
    deeds.end();
}

#[tokio::test]
async fn each_deed_of_a_person_voids_what_depends_on_it_and_nothing_else() {
    let mut deeds = Deeds::new().await;
    let (ann, bob) = (deeds.person("ann").await, deeds.person("bob").await);
    let carol = deeds.person("carol").await;

    ann.patch("/v1/me", &json!({"bio": "hello"})).await.well();
    let account = "user-sessions:ann user:ann username:ann";
    deeds.expect("changing a bio", account).await;
    ann.patch("/v1/me/settings", &json!({"who_sees_friends": "only_me"}))
        .await
        .well();
    deeds.expect("changing a setting", "settings:ann").await;

    for friend in [&bob, &carol] {
        ann.befriend(friend).await;
    }
    let group = json!({"member_ids": [bob.id, carol.id], "title": "us"});
    let group = ann.post("/v1/conversations", &group).await;
    let group = group.expect_status(201).id();
    deeds.name(&group, "group");
    deeds.voided().await;
    let message = json!({"content": "hello"});
    let sent = ann
        .post(&format!("/v1/conversations/{group}/messages"), &message)
        .await;
    let sent = sent.expect_status(201).id();
    deeds.name(&sent, "message");
    let told = "conversation-marks:ann conversation:group message:message messages:group receipts:group \
                waiting:ann waiting:bob waiting:carol";
    deeds.expect("sending a message", told).await;
    ann.patch(
        &format!("/v1/messages/{sent}"),
        &json!({"content": "hello!"}),
    )
    .await
    .well();
    let edited = "message:message messages:group";
    deeds.expect("editing a message", edited).await;
    deeds.end();
}
