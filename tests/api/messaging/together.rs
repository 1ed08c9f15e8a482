//! Messages that come at once are written together, and each fares as if it were alone.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};
use tokio::task::JoinHandle;

use super::{direct, group, said, say, seen};
use crate::support::{Reply, Session, TestApp};

/// As many messages keep kith's turns at writing busy.
const TURNS: usize = 4;
/// Time for requests to arrive.
const ARRIVAL: Duration = Duration::from_millis(300);

/// Has the word `held` written only when something is in the table `released`.
const WAIT_FOR_RELEASE: &str = "
    create table released (done boolean);
    create function wait_for_release() returns trigger language plpgsql as $$
    begin
        while not exists (select from released) loop
            perform pg_sleep(0.01);
        end loop;
        return new;
    end
    $$;
    create trigger wait_for_release before insert on message
        for each row when (new.content = 'held') execute function wait_for_release();";

/// Three friends with many groups.
struct Scene {
    app: TestApp,
    ann: Session,
    ben: Session,
    /// Those that keep the turns busy.
    held: Vec<String>,
    groups: Vec<String>,
}

impl Scene {
    async fn set(groups: usize) -> Self {
        let app = TestApp::start().await;
        let (ann, ben) = app.friends("ann", "ben").await;
        let carol = app.person("carol").await;
        ann.befriend(&carol).await;
        let mut ids = Vec::new();
        for _ in 0..TURNS + groups {
            ids.push(group(&ann, &[&ben, &carol]).await);
        }
        let groups = ids.split_off(TURNS);
        run(&app, WAIT_FOR_RELEASE).await;
        Self {
            app,
            ann,
            ben,
            held: ids,
            groups,
        }
    }

    /// Has all turns work until [`Self::release`].
    async fn keep_busy(&self) -> Vec<JoinHandle<Reply>> {
        let mut working = Vec::new();
        // One after the other: two that come together would share a turn.
        for (place, id) in self.held.iter().enumerate() {
            working.push(send(&self.ann, id, &json!({"content": "held"})));
            self.wait_for_writers(place + 1).await;
        }
        working
    }

    async fn release(&self) {
        run(&self.app, "insert into released values (true)").await;
    }

    /// What those who were sent while all turns were busy are answered, once these are free again.
    async fn answers(
        &self,
        sent: impl IntoIterator<Item = JoinHandle<Reply>>,
        working: Vec<JoinHandle<Reply>>,
    ) -> Vec<Reply> {
        tokio::time::sleep(ARRIVAL).await;
        self.release().await;
        let mut replies = Vec::new();
        for one in sent {
            replies.push(reply(one).await);
        }
        for one in working {
            reply(one).await.expect_status(201);
        }
        replies
    }

    /// Waits until so many transactions write messages.
    async fn wait_for_writers(&self, expected: usize) {
        for _ in 0..400 {
            let writing: i64 = sqlx::query_scalar(
                "select count(*) from pg_stat_activity
                 where datname = current_database() and state = 'active'
                   and pid <> pg_backend_pid() and query like 'with placed%'",
            )
            .fetch_one(&self.app.db)
            .await
            .expect("a count");
            if writing == i64::try_from(expected).expect("few") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{expected} transactions do not write");
    }

    /// The transactions that have written these messages.
    async fn transactions(&self, messages: &[&Value]) -> Vec<String> {
        let ids: Vec<&str> = (messages.iter())
            .filter_map(|message| message["id"].as_str())
            .collect();
        assert_eq!(ids.len(), messages.len());
        sqlx::query_scalar(
            "select distinct xmin::text from message where message_id = any($1::uuid[])",
        )
        .bind(ids)
        .fetch_all(&self.app.db)
        .await
        .expect("their transactions")
    }
}

async fn run(app: &TestApp, statements: &'static str) {
    let done = sqlx::raw_sql(statements).execute(&app.db).await;
    done.expect("they run");
}

/// Holds conversations until the transaction ends.
async fn hold(app: &TestApp, ids: &[String]) -> Transaction<'static, Postgres> {
    let mut holding = app.db.begin().await.expect("a transaction");
    sqlx::query("select from conversation where conversation_id = any($1::uuid[]) for update")
        .bind(ids)
        .execute(&mut *holding)
        .await
        .expect("they are held");
    holding
}

/// Writes without waiting for the answer.
fn send(who: &Session, id: &str, body: &Value) -> JoinHandle<Reply> {
    send_with_key(who, id, "", body)
}

fn send_with_key(who: &Session, id: &str, key: &str, body: &Value) -> JoinHandle<Reply> {
    let path = format!("/v1/conversations/{id}/messages");
    let (who, key, body) = (who.clone(), key.to_owned(), body.clone());
    tokio::spawn(async move {
        if key.is_empty() {
            who.post(&path, &body).await
        } else {
            who.post_with_key(&path, &key, &body).await
        }
    })
}

async fn reply(sent: JoinHandle<Reply>) -> Reply {
    sent.await.expect("no panic")
}

#[tokio::test]
async fn those_who_wait_for_a_turn_share_a_transaction() {
    let scene = Scene::set(20).await;
    let working = scene.keep_busy().await;
    let words = json!({"content": "together"});
    let sent: Vec<_> = (scene.groups.iter())
        .map(|id| send(&scene.ann, id, &words))
        .collect();
    let replies = scene.answers(sent, working).await.into_iter();
    let replies: Vec<Reply> = replies.map(|reply| reply.expect_status(201)).collect();
    let sent: Vec<&Value> = replies.iter().map(|reply| &reply.json).collect();
    let transactions = scene.transactions(&sent).await;
    // Those that came too late for the first have one more.
    assert!(transactions.len() < 5, "20 messages took {transactions:?}");
    // Each is there, under its own conversation.
    for id in &scene.groups {
        assert_eq!(said(&scene.ben, id).await[0].1, "together");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_alone_and_what_was_done_before_is_replayed() {
    let scene = Scene::set(5).await;
    let [left, done, fresh, odd, plain] = &scene.groups[..] else {
        unreachable!("five groups");
    };
    let path = format!("/v1/conversations/{left}/members/{}", scene.ann.id);
    scene.ann.delete(&path).await.expect_status(200);
    let words = json!({"content": "once"});
    let first = reply(send_with_key(&scene.ann, done, "k-1", &words)).await;
    let elsewhere = say(&scene.ann, plain, "elsewhere").await;

    let working = scene.keep_busy().await;
    let answer = json!({"content": "an answer", "reply_to": elsewhere["id"]});
    let sent = [
        send(&scene.ann, left, &json!({"content": "gone"})),
        send_with_key(&scene.ann, done, "k-1", &words),
        send_with_key(&scene.ann, fresh, "k-2", &words),
        send_with_key(&scene.ann, odd, "k-3", &answer),
        send(&scene.ben, plain, &json!({"content": "plain"})),
    ];
    let replies = scene.answers(sent, working).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [403, 201, 201, 422, 201]);
    assert_eq!(replies[1].json, first.json);
    assert_eq!(
        replies[1].header("idempotent-replayed").as_deref(),
        Some("true")
    );
    let written = scene
        .transactions(&[&replies[2].json, &replies[4].json])
        .await;
    assert_eq!(written.len(), 1, "they shared a transaction");
    // Each has its own key, and its own author.
    assert_eq!(replies[2].json["op_id"], "k-2");
    assert_eq!(replies[2].header("idempotent-replayed"), None);
    assert_eq!(replies[4].json["op_id"], Value::Null);
    assert_eq!(replies[4].json["author"]["id"], scene.ben.id.as_str());
    // A refusal leaves its key free.
    let again = json!({"content": "now it fits"});
    let retried = reply(send_with_key(&scene.ann, odd, "k-3", &again)).await;
    retried.expect_status(201);
    assert_eq!(said(&scene.ben, done).await[0].1, "once");
    assert_eq!(said(&scene.ben, odd).await[0].1, "now it fits");
}

const REFUSE_POISON: &str = "
    create sequence tried;
    create function refuse() returns trigger language plpgsql as $$
    begin
        perform nextval('tried');
        if new.content = 'poison' then raise exception 'poison'; end if;
        return new;
    end
    $$;
    create trigger refuse before insert on message for each row execute function refuse();";

#[tokio::test]
async fn nobody_fails_because_of_another() {
    let scene = Scene::set(6).await;
    run(&scene.app, REFUSE_POISON).await;
    let working = scene.keep_busy().await;
    let sent: Vec<_> = (scene.groups.iter().enumerate())
        .map(|(place, id)| {
            let content = if place == 2 { "poison" } else { "good" };
            send(&scene.ann, id, &json!({"content": content}))
        })
        .collect();
    let replies = scene.answers(sent, working).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [201, 201, 500, 201, 201, 201]);
    // A sequence counts what was rolled back too: some were tried together first.
    let tried: i64 = sqlx::query_scalar("select last_value from tried")
        .fetch_one(&scene.app.db)
        .await
        .expect("a number");
    let alone = i64::try_from(scene.held.len() + scene.groups.len()).expect("few");
    assert!(tried > alone, "{tried}");
    for (place, id) in scene.groups.iter().enumerate() {
        let good = said(&scene.ben, id).await;
        let good = good.iter().filter(|(_, content)| content == "good").count();
        assert_eq!(good, usize::from(place != 2), "group {place}");
    }
}

#[tokio::test]
async fn conversations_that_are_held_hold_up_no_other() {
    let scene = Scene::set(TURNS + 3).await;
    let working = scene.keep_busy().await;
    // More of them than there are turns, among those that are written together.
    let (held, free) = scene.groups.split_at(TURNS + 1);
    let holding = hold(&scene.app, held).await;
    let words = json!({"content": "meanwhile"});
    let mut sent: Vec<_> = (scene.groups.iter())
        .map(|id| send(&scene.ann, id, &words))
        .collect();
    tokio::time::sleep(ARRIVAL).await;
    scene.release().await;
    let written = sent.split_off(held.len());
    for one in written.into_iter().chain(working) {
        reply(one).await.expect_status(201);
    }
    // Nor is anybody held up who comes later.
    for id in free {
        say(&scene.ann, id, "later").await;
    }
    assert!(sent.iter().all(|one| !one.is_finished()));
    holding.commit().await.expect("released");
    for one in sent {
        reply(one).await.expect_status(201);
    }
}

#[tokio::test]
async fn a_key_that_is_named_in_two_conversations_at_once_is_for_one() {
    let scene = Scene::set(4).await;
    let working = scene.keep_busy().await;
    let words = json!({"content": "once"});
    let sent: Vec<_> = (scene.groups.iter())
        .map(|id| send_with_key(&scene.ann, id, "the-same", &words))
        .collect();
    let replies = scene.answers(sent, working).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1);
    for refused in replies.into_iter().filter(|reply| reply.status != 201) {
        let code = refused.json["code"].clone();
        assert!(
            code == "idempotency_in_progress" || code == "idempotency_conflict",
            "{code}"
        );
    }
}

#[tokio::test]
async fn first_words_to_strangers_and_friends_open_the_conversation_for_each() {
    let scene = Scene::set(1).await;
    let stranger = scene.app.person("stranger").await;
    let friend = scene.app.person("friend").await;
    scene.ann.befriend(&friend).await;
    let to_stranger = direct(&scene.ann, &stranger).await;
    let to_friend = direct(&scene.ann, &friend).await;
    let invited = group(&scene.ben, &[&scene.ann, &stranger]).await;
    assert_eq!(
        seen(&stranger, &invited).await["viewer"]["state"],
        "request"
    );
    let blocked = direct(&scene.ben, &scene.ann).await;

    let working = scene.keep_busy().await;
    let path = format!("/v1/users/{}/block", scene.ann.id);
    scene.ben.set(&path).await.expect_status(200);
    let words = json!({"content": "hello"});
    let sent = [
        send(&scene.ann, &to_stranger, &words),
        send(&scene.ann, &to_friend, &words),
        send(&stranger, &invited, &words),
        send(&scene.ann, &blocked, &words),
    ];
    let replies = scene.answers(sent, working).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [201, 201, 201, 404]);
    let state = async |who: &Session, id: &str| seen(who, id).await["viewer"]["state"].clone();
    assert_eq!(state(&stranger, &to_stranger).await, "request");
    assert_eq!(state(&friend, &to_friend).await, "active");
    assert_eq!(state(&stranger, &invited).await, "active");
    // Having joined is said before what the one who joined says.
    let words = said(&scene.ben, &invited).await;
    assert_eq!(words[0].1, "hello");
    let path = format!("/v1/conversations/{invited}/messages");
    let page = scene.ben.get(&path).await.expect_status(200).json;
    assert_eq!(page["data"][1]["system"]["action"], "joined");
}
