//! The demo's cast and states.

use kith::kernel::Clock as _;
use kith::kernel::clock::SystemClock;
use kith::seeds::seed;

use crate::support::{BROKEN, UNLIKELY, args, check, load, number, with_database};

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
        let miscounted = "select count(*) from notification n where n.actor_count <> (
                              select count(distinct i.actor_id) from notification_item i
                              where i.notification_id = n.notification_id)";
        assert_eq!(number(&pool, miscounted).await, 0);
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
async fn everybody_of_the_demo_has_a_valid_username() {
    with_database(|pool| async move {
        // Another number than the usual one, loaded again on another day.
        load(&pool, &["--profile", "demo", "--seed", "7"])
            .await
            .expect("loaded");
        let mut later = args(&["--profile", "demo", "--seed", "7"]);
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
