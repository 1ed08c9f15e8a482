//! The LDBC social network.

use std::path::{Path, PathBuf};

use crate::support::{BROKEN, check, load, number, path, shared_data, with_database};

/// The folder of a small LDBC social network.
fn ldbc_fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ldbc")
}

#[tokio::test]
async fn an_ldbc_network_is_loaded_with_its_own_texts_and_times() {
    with_database(|pool| async move {
        let folder = ldbc_fixture();
        let report = load(&pool, &["--ldbc", path(&folder)]).await.expect("loaded");
        let expected = [("people", 5), ("friendships", 3), ("posts", 3), ("comments", 13), ("reactions", 5)];
        for (kind, count) in expected {
            assert_eq!(report.counts[kind], count, "{kind}");
        }
        let mut skipped: Vec<(&str, u64)> =
            report.skipped.iter().map(|skipped| (skipped.what, skipped.count)).collect();
        skipped.sort_unstable();
        let left_out = [
            ("forums", 1),
            ("friendships", 1),
            ("further e-mail addresses", 4),
            ("images of posts", 1),
            ("levels of replies", 2),
            ("likes", 1),
        ];
        assert_eq!(skipped, left_out);
        check(&pool, BROKEN).await;
        for there in [
            r#"select count(*) from post where content = 'About Ana, a backslash \ and "quotes"'
               and created_at = '2012-03-14 10:15:00.25Z'"#,
            "select count(*) from post where content = 'photo12.jpg'",
            "select count(*) from account join credential using (user_id)
             where username = 'bjrn.berg.902' and display_name = 'Björn Öberg' and email = 'p902@one.example'",
            "select count(*) from credential where email = 'p905@ldbc.kith.example'",
            "select count(*) from comment where content = 'level 7' and depth = 7",
            "select count(*) from comment a join comment b on b.comment_id = a.parent_id
             where a.content = 'level 10' and a.depth = 8 and b.content = 'level 7'",
            "select count(*) from comment a join comment b on b.comment_id = a.parent_id
             where a.content = 'yes' and b.content = 'really?'",
        ] {
            assert_eq!(number(&pool, there).await, 1, "{there}");
        }
        assert!(load(&pool, &["--ldbc", path(&folder)]).await.expect("recognised").already_loaded);
    })
    .await;
}

#[tokio::test]
async fn every_malformed_line_of_an_ldbc_network_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(ldbc_fixture().join("dynamic")).expect("read") {
        let entry = entry.expect("read");
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copied");
    }
    let add = |file: &str, line: &str| {
        let file = folder.path().join(file);
        let text = std::fs::read_to_string(&file).expect("read");
        std::fs::write(&file, text + line + "\n").expect("written");
    };
    add(
        "person_knows_person_0_0.csv",
        "901|999|2012-03-10T10:15:00.250+0000",
    );
    add("post_0_0.csv", "14|too|few");
    add("person_likes_post_0_0.csv", "901|13|yesterday");
    add(
        "comment_0_0.csv",
        "80|2012-03-10T10:15:00.250+0000|192.0.2.1|Firefox|round|5|901|1||80",
    );
    with_database(|pool| async move {
        let error = load(&pool, &["--ldbc", path(folder.path())]).await;
        let message = error.expect_err("malformed").to_string();
        for place in [
            "person_knows_person_0_0.csv:6:",
            "post_0_0.csv:5:",
            "person_likes_post_0_0.csv:6:",
            "comment_0_0.csv:15:",
        ] {
            assert!(message.contains(place), "{place} in {message}");
        }
        assert_eq!(number(&pool, "select count(*) from account").await, 0);
    })
    .await;
}

#[tokio::test]
async fn the_counts_of_the_ldbc_sample_equal_the_sources() {
    let Some(folder) = shared_data("ldbc-snb-sample") else {
        eprintln!("skipped: KITH_SHARED_DATA names no folder with this data");
        return;
    };
    with_database(|pool| async move {
        let report = load(&pool, &["--ldbc", path(&folder)])
            .await
            .expect("loaded");
        println!("{report}");
        for (sql, count) in [
            ("select count(*) from account", 222),
            ("select count(*) from friendship", 2 * 825),
            ("select count(*) from post", 5_924),
            ("select count(*) from comment", 2_218),
            (
                "select count(*) from reaction where target_kind = 'post'",
                759,
            ),
            (
                "select count(*) from reaction where target_kind = 'comment'",
                624,
            ),
        ] {
            assert_eq!(number(&pool, sql).await, count, "{sql}");
        }
        check(&pool, BROKEN).await;
    })
    .await;
}
