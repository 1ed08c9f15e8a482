//! The demo's cast and states.

use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use kith::seeds::seed;

use crate::rules::{TALKS, TOLD, VIEWS};
use crate::support::{BROKEN, UNLIKELY, check, fingerprint, load, number, plan, with_database};

#[tokio::test]
async fn the_demo_shows_every_state() {
    with_database(|pool| async move {
        let report = load(&pool, &["--profile", "demo"]).await.expect("loaded");
        println!("{report}");
        assert!(report.seconds < 15.0, "{} s", report.seconds);
        check(&pool, BROKEN).await;
        check(&pool, UNLIKELY).await;
        for states in [
            "select count(*) from account where state = 'suspended' and suspended_reason is not null",
            "select count(*) from account where state = 'deleted' and deleted_at is not null",
            "select count(*) from account where role = 'moderator'",
            "select count(*) from account where role = 'admin'",
            "select count(*) from block a join block b on b.blocker_id = a.blocked_id and b.blocked_id = a.blocker_id",
            "select count(*) from post where audience = 'public'",
            "select count(*) from post where audience = 'friends'",
            "select count(*) from post where audience = 'only_me'",
            "select count(*) from post_audience where deny",
            "select count(*) from post_audience where not deny and circle_id is not null",
            "select count(*) from post_audience where not deny and user_id is not null",
            "select count(*) from post where version > 1 and edited_at is not null",
            "select count(*) from post where deleted_at is not null",
            "select count(*) from post where shared_post_id is not null and deleted_at is null",
            "select count(*) from post_revision",
            "select count(*) from post_hashtag",
            "select count(*) from saved_post",
            "select count(*) from hidden_post",
            "select count(*) from friend_request where state = 'pending'",
            "select count(*) from follow",
            "select count(*) from mute",
            "select count(*) from circle_member",
            "select count(*) from notification where kind = 'reaction' and actor_count > 1",
            "select count(*) from notification where kind = 'reply'",
            "select count(*) from notification n join notification_marker m using (user_id)
             where n.updated_at > m.read_up_to",
            "select count(*) from comment where depth = 8",
            "select count(*) from comment where deleted_at is not null and content = ''",
            "select count(*) from conversation where kind = 'direct'",
            "select count(*) from conversation where kind = 'group' and title is not null",
            "select count(*) from conversation_member where state = 'request'",
            "select count(*) from conversation_mark k join conversation c using (conversation_id)
             where k.read_up_to < c.top_seq",
            "select count(*) from message where action = 'created'",
            "select count(*) from comment join account a on a.user_id = author_id where a.state = 'deleted'",
        ] {
            assert!(number(&pool, states).await > 0, "{states}");
        }
        let alone = "select friends + followers + posts_public + posts_friends + posts_private::bigint
                     from user_counter join account using (user_id) where username = 'newbie'";
        assert_eq!(number(&pool, alone).await, 0);
        let quarrel = "select count(*) from friendship join block
                       on (blocker_id, blocked_id) = (user_id, friend_id)";
        assert_eq!(number(&pool, quarrel).await, 0);
        let stray = "select count(*) from post p where edited_at is not null
                     and version <> 1 + (select count(*) from post_revision r where r.post_id = p.post_id)";
        assert_eq!(number(&pool, stray).await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_demo_has_told_its_people_what_the_server_would_have() {
    with_database(|pool| async move {
        load(&pool, &["--profile", "demo"]).await.expect("loaded");
        check(&pool, TOLD).await;
        check(&pool, VIEWS).await;
        // The one as whom people sign in first has all there is.
        let kinds = "select count(distinct kind) from notification join account using (user_id)
                     where username = 'alice'";
        assert_eq!(number(&pool, kinds).await, 9);
        for looked in [
            "n.read_up_to is not null",
            "n.updated_at > m.read_up_to",
            "n.updated_at > m.seen_up_to",
        ] {
            let sql = format!(
                "select count(*) from notification n join notification_marker m using (user_id)
                 join account a using (user_id) where a.username = 'alice' and {looked}"
            );
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .fetch_one(&pool)
                .await
                .expect("read");
            assert!(found > 0, "{looked}");
        }
    })
    .await;
}

#[tokio::test]
async fn conversations_of_the_demo_show_what_can_become_of_them() {
    with_database(|pool| async move {
        load(&pool, &["--profile", "demo"]).await.expect("loaded");
        check(&pool, TALKS).await;
        for state in [
            "exists (select from reaction where target_kind = 'message' and target_id = m.message_id)",
            "m.reply_to_id is not null",
            "m.edited_at is not null",
            "m.deleted_at is not null",
            "m.content like '%https://%'",
            "m.content ~ '@[a-z]'",
            "m.content like '%#%'",
            "m.action = 'added'",
            "m.action = 'joined'",
            "m.action = 'removed'",
            "m.action = 'left'",
            "m.action = 'titled'",
            "k.archived",
            "k.pinned",
            "k.muted_until > '2026-11-01'",
            "k.cleared_up_to > 0",
            "k.read_up_to > k.shown_up_to",
            "s.state = 'request'",
            "s.state = 'left'",
        ] {
            let sql = format!(
                "select count(*) from account a join conversation_member s using (user_id)
                 join conversation_mark k using (user_id, conversation_id) join message m using (conversation_id)
                 where a.username = 'alice' and {state}"
            );
            let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.expect("read");
            assert!(found > 0, "{state}");
        }
    })
    .await;
}

#[tokio::test]
async fn posts_and_people_of_the_demo_have_all_that_is_shown_of_them() {
    with_database(|pool| async move {
        load(&pool, &["--profile", "demo"]).await.expect("loaded");
        for there in [
            "select count(*) from post where content like '%https://%'",
            "select count(*) from post where content ~ '@[a-z]'",
            "select count(*) from comment where content ~ '@[a-z]'",
            "select count(*) from account where website is not null",
            "select count(*) from account where website is not null and username = 'alice'",
        ] {
            assert!(number(&pool, there).await > 0, "{there}");
        }
        // As the job that ranks them counts, two days after the seed was loaded.
        let trending = "select count(*) from (
                            select h.tag from visible_post(null) p join post_hashtag h using (post_id)
                            where p.audience = 'public' and p.created_at >= timestamptz '2026-11-01Z' - interval '1 day'
                            group by h.tag
                        ) as tags";
        let tags = number(&pool, trending).await;
        assert!(tags > 3, "{tags} hashtags are in use");
    })
    .await;
}

#[tokio::test]
async fn the_demo_is_the_same_in_another_database() {
    let mut prints = Vec::new();
    for _ in 0..2 {
        let mut print = 0;
        with_database(|pool| {
            let print = &mut print;
            async move {
                load(&pool, &["--profile", "demo"]).await.expect("loaded");
                *print = fingerprint(&pool).await;
            }
        })
        .await;
        prints.push(print);
    }
    assert_eq!(prints[0], prints[1]);
}

#[tokio::test]
async fn everybody_of_the_demo_has_a_valid_username() {
    with_database(|pool| async move {
        // Another number than the usual one, loaded again on another day.
        load(&pool, &["--profile", "demo", "--seed", "7"])
            .await
            .expect("loaded");
        let mut later = plan(&["--profile", "demo", "--seed", "7"]);
        later.at = later.at.map(|at| at + chrono::TimeDelta::days(3));
        let again = seed(&later, &pool, SystemClock.now(), &|_| ()).await;
        assert!(again.expect("recognised").already_loaded);
        let names: Vec<String> = sqlx::query_scalar("select username from account")
            .fetch_all(&pool)
            .await
            .expect("read");
        assert_eq!(names.len(), 150);
        for name in names {
            assert!(
                kith::domains::users::Username::parse(&name).is_ok(),
                "{name}"
            );
        }
    })
    .await;
}
