//! Ids that are none, in paths and in lists of ids.

use serde_json::json;

use super::{Scene, operations};
use crate::support::TestApp;

#[tokio::test]
async fn a_malformed_id_in_any_path_names_nothing() {
    let scene = Scene::set().await;
    let before = scene.digest().await;
    let bodies = scene.bodies();
    let long = "x".repeat(300);
    let malformed = [
        "none",
        "%00",
        "..%2f",
        "%2e%2e%2fme",
        "%ff",
        "%F0%9F%98%80",
        "@",
        "@%00",
        "@..",
        "'%20or%201=1--",
        &long,
    ];
    for (route, operation) in operations() {
        let (method, template) = route.split_once(' ').expect("a method and a path");
        if template.starts_with("/v1/admin/") {
            // Alice learns nothing of an operator's route but that it is none of hers.
            continue;
        }
        let needs_query = operation["parameters"].as_array().is_some_and(|all| {
            all.iter()
                .any(|one| one["in"] == "query" && one["required"] == true)
        });
        assert!(!template.contains('{') || !needs_query, "{route}");
        let names = template.split('/').filter(|part| part.starts_with('{'));
        for (name, bad) in names.flat_map(|name| malformed.map(|bad| (name, bad))) {
            // A word is a hashtag, whether somebody has said it or not; and clients name their devices.
            if (name, bad) == ("{tag}", "none") || name == "{device_id}" {
                continue;
            }
            let path = scene.path(&template.replace(name, bad));
            let request = scene
                .alice
                .request(method.parse().expect("a method"), &path);
            let request = match bodies.get(route.as_str()) {
                Some(body) => request.json(body),
                None => request,
            };
            let reply = scene.alice.send(request).await;
            // Whoever may not administer is not told what there is.
            let (status, code) = if template.starts_with("/v1/admin/") {
                (403, "forbidden")
            } else {
                (404, "not_found")
            };
            assert_eq!(reply.status, status, "{route} {bad}: {:#}", reply.json);
            reply.expect_problem(status, code);
        }
    }
    assert_eq!(scene.digest().await, before);
}

#[tokio::test]
async fn lists_of_ids_are_bounded_and_read_strictly() {
    let app = TestApp::start().await;
    let alice = app.person("alice").await;
    let many = vec![alice.id.clone(); 101].join(",");
    for path in ["/v1/users", "/v1/posts", "/v1/relationships"] {
        alice
            .get(path)
            .await
            .expect_problem(422, "validation_failed");
        for bad in ["none", "", ",", "%00", &many] {
            let reply = alice.get(&format!("{path}?ids={bad}")).await;
            assert!(
                matches!(reply.status, 400 | 422) || reply.json["data"] == json!([]),
                "{path} {bad}: {} {:#}",
                reply.status,
                reply.json
            );
        }
        let reply = alice.get(&format!("{path}?ids={many}")).await;
        reply.expect_problem(422, "validation_failed");
    }
}
