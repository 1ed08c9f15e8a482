//! Hashtags: which posts have one, and who sees them there.

use kith::app::registry;
use kith::infra::jobs::Runner;
use serde_json::json;

use crate::support::{Session, TestApp};

async fn listed(who: &Session, tag: &str) -> Vec<String> {
    let path = format!("/v1/hashtags/{tag}/posts");
    who.get(&path).await.expect_status(200).ids()
}

#[tokio::test]
async fn a_hashtag_lists_the_posts_that_say_it_newest_first() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let first = me.post_to(&json!("public"), "#Tea and #tea").await;
    let second = me.post_to(&json!("friends"), "#TEA at last").await;
    me.post_to(&json!("public"), "#teapot, a#tea, tea").await;
    let both = [second.clone(), first.clone()];
    for written in ["tea", "TEA", "%23Tea"] {
        assert_eq!(listed(&me, written).await, both, "{written}");
    }
    assert_eq!(listed(&me, "nobody_says_this").await, [""; 0]);
    for none in ["%20", "1", "a-b"] {
        me.get(&format!("/v1/hashtags/{none}/posts"))
            .await
            .expect_problem(404, "not_found");
    }
    let walked = me.walk("/v1/hashtags/tea/posts", 1).await;
    let ids: Vec<&str> = walked.iter().filter_map(|p| p["id"].as_str()).collect();
    assert_eq!(ids, both);
    let expanded = me
        .get("/v1/hashtags/tea/posts?expand=top_comments")
        .await
        .expect_status(200);
    assert_eq!(expanded.json["data"][0]["top_comments"], json!([]));
}

#[tokio::test]
async fn a_hashtag_follows_edits_deletion_and_restoring() {
    let app = TestApp::start().await;
    let me = app.person("me").await;
    let post = me.post_to(&json!("public"), "#one #two").await;
    let later = me.post_to(&json!("public"), "#three").await;
    let path = format!("/v1/posts/{post}");
    me.patch(&path, &json!({"content": "#two #three"}))
        .await
        .expect_status(200);
    assert_eq!(listed(&me, "one").await, [""; 0]);
    assert_eq!(listed(&me, "two").await, [&*post]);
    // An edit does not make a post new.
    assert_eq!(listed(&me, "three").await, [later.clone(), post.clone()]);
    let rows = || async {
        let count = "select count(*) from post_hashtag where post_id = $1::uuid";
        let counted = sqlx::query_scalar::<_, i64>(count).bind(&post);
        counted.fetch_one(&app.db).await.expect("counted")
    };
    me.delete(&path).await.expect_status(204);
    assert_eq!(listed(&me, "three").await, [&*later]);
    assert_eq!(rows().await, 0);
    me.act(&format!("{path}/restore")).await.expect_status(200);
    assert_eq!(listed(&me, "three").await, [later, post.clone()]);
    assert_eq!(rows().await, 2);
}

#[tokio::test]
async fn a_hashtag_shows_nobody_what_they_may_not_see() {
    let app = TestApp::start().await;
    let (author, friend) = app.friends("author", "friend").await;
    let (stranger, blocked) = (app.person("stranger").await, app.person("blocked").await);
    let public = author.post_to(&json!("public"), "#cake").await;
    let narrow = author.post_to(&json!("friends"), "#cake").await;
    let own = author.post_to(&json!("only_me"), "#cake").await;
    author
        .set(&format!("/v1/users/{}/block", blocked.id))
        .await
        .expect_status(200);
    assert_eq!(
        listed(&author, "cake").await,
        [own, narrow.clone(), public.clone()]
    );
    assert_eq!(listed(&friend, "cake").await, [narrow, public.clone()]);
    assert_eq!(listed(&stranger, "cake").await, [&*public]);
    assert_eq!(listed(&blocked, "cake").await, [""; 0]);
    // Pages are filled with what is seen.
    let page = stranger.get("/v1/hashtags/cake/posts?limit=1").await;
    assert_eq!((page.ids(), page.next()), (vec![public.clone()], None));
    let anyone = app.anyone().get("/v1/hashtags/cake/posts").await;
    assert_eq!(anyone.expect_status(200).ids(), [public]);
    let shut = app.start_beside(&[("KITH_PUBLIC_READ", "off")]).await;
    let anyone = shut.anyone().get("/v1/hashtags/cake/posts").await;
    anyone.expect_status(401);
}

#[tokio::test]
async fn posts_from_before_hashtags_were_kept_are_read_by_a_job() {
    let app = TestApp::start_with(&[("KITH_ROLES", "web")]).await;
    let me = app.person("me").await;
    let kept = me.post_to(&json!("public"), "#old #older").await;
    let gone = me.post_to(&json!("public"), "#old").await;
    me.delete(&format!("/v1/posts/{gone}"))
        .await
        .expect_status(204);
    sqlx::raw_sql(
        "delete from post_hashtag;
         insert into job (job_id, name, payload, run_at, created_at)
         values (gen_random_uuid(), 'posts.fill-hashtags',
                 '{\"after\": \"00000000-0000-0000-0000-000000000000\"}', now(), now())",
    )
    .execute(&app.db)
    .await
    .expect("forgotten");
    let runner = Runner::new(app.db.clone(), registry(), app.ctx.clone(), app.ctx.clock());
    // One pass does what was due when it began, and the job queues itself.
    while runner.run_due().await.expect("run").done > 0 {}
    assert_eq!(listed(&me, "old").await, [&*kept]);
    assert_eq!(listed(&me, "older").await, [kept]);
    let left: i64 = sqlx::query_scalar("select count(*) from job where name like 'posts.fill%'")
        .fetch_one(&app.db)
        .await
        .expect("counted");
    assert_eq!(left, 0, "the job ends with the last post");
}
