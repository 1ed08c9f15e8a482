//! Limits, cursors and parameters that no list takes.

use super::{Scene, operations};

/// The paths of all lists, with the parameters that they demand.
fn lists(scene: &Scene) -> Vec<String> {
    let mut lists = Vec::new();
    for (route, operation) in operations() {
        let parameters = operation["parameters"].as_array().cloned();
        let parameters = parameters.unwrap_or_default();
        if !parameters
            .iter()
            .any(|parameter| parameter["name"] == "cursor")
        {
            continue;
        }
        let template = route.strip_prefix("GET ").expect("lists are read");
        // The one has a cursor that is a place in streams, and no page of a list; the others are for
        // administrators, and alice is none.
        if template.starts_with("/v1/realtime/") || template.starts_with("/v1/admin/") {
            continue;
        }
        let required = parameters
            .iter()
            .any(|parameter| parameter["name"] == "q" && parameter["required"] == true);
        let query = if required { "q=alice&" } else { "" };
        // One's own: some lists are for nobody else.
        let path = scene.path(template).replace(&scene.bob.id, &scene.alice.id);
        let path = if template.contains("mutual") {
            scene.path(template)
        } else {
            path
        };
        lists.push(format!("{path}?{query}"));
    }
    lists
}

#[tokio::test]
async fn every_list_refuses_wrong_limits_cursors_and_parameters() {
    let scene = Scene::set().await;
    let alice = &scene.alice;
    let lists = lists(&scene);
    assert!(lists.len() >= 15, "{lists:?}");
    let cursor_of = async |list: &str| {
        let first = alice.get(list.trim_end_matches(['?', '&'])).await;
        first.expect_status(200).prev().expect("a cursor")
    };
    let feed = cursor_of("/v1/feed").await;
    let saved = cursor_of("/v1/me/saved").await;
    for list in &lists {
        for limit in ["0", "101", "-1", "abc", "1.5", "", "99999999999999999999"] {
            alice
                .get(&format!("{list}limit={limit}"))
                .await
                .expect_problem(422, "validation_failed");
        }
        let own = cursor_of(list).await;
        alice
            .get(&format!("{list}cursor={own}"))
            .await
            .expect_status(200);
        let mut turned = own.clone().into_bytes();
        let middle = turned.len() / 2;
        turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
        let turned = String::from_utf8(turned).expect("ASCII");
        let cut = own.split_at(own.len() - 1).0;
        for cursor in [
            "garbage",
            "%F0%9F%98%80",
            "",
            &turned,
            cut,
            &"A".repeat(5_000),
        ] {
            alice
                .get(&format!("{list}cursor={cursor}"))
                .await
                .expect_problem(400, "invalid_cursor");
        }
        let foreign = if list.starts_with("/v1/feed") {
            &saved
        } else {
            &feed
        };
        alice
            .get(&format!("{list}cursor={foreign}"))
            .await
            .expect_problem(400, "cursor_mismatch");
        for unknown in [
            "page=2",
            "Limit=3",
            "offset=1",
            "sort=id%3Bdrop%20table%20post",
        ] {
            alice
                .get(&format!("{list}{unknown}"))
                .await
                .expect_problem(422, "validation_failed");
        }
        for unreadable in [
            "limit=1&limit=1",
            "limit=%ff",
            "limit=%zz",
            "x=%00",
            "cursor=%00",
        ] {
            let reply = alice.get(&format!("{list}{unreadable}")).await;
            assert!(
                matches!(reply.status, 400 | 422),
                "{list}{unreadable}: {}",
                reply.json
            );
        }
    }
}
