//! The description and the server agree on what a body may be: what a schema allows is taken, and what it
//! does not is 422.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::TestApp;

/// Whether a schema of the document allows a value, by the words that the document uses.
fn allows(document: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(path) = schema["$ref"].as_str() {
        let named = document.pointer(path.trim_start_matches('#'));
        return allows(document, named.expect("a schema"), value);
    }
    let fits = |way: &&Value| allows(document, way, value);
    let ways = |word: &str| schema[word].as_array();
    ways("oneOf").is_none_or(|ways| ways.iter().filter(fits).count() == 1)
        && ways("anyOf").is_none_or(|ways| ways.iter().any(|way| fits(&way)))
        && ways("enum").is_none_or(|words| words.contains(value))
        && is_of_type(&schema["type"], value)
        && match value {
            Value::Object(members) => allows_members(document, schema, members),
            Value::Array(items) => {
                let each = &schema["items"];
                within(schema, ["minItems", "maxItems"], items.len())
                    && items.iter().all(|item| allows(document, each, item))
            }
            Value::String(text) => within(schema, ["minLength", "maxLength"], text.chars().count()),
            _ => true,
        }
}

/// Whether a value is of a type that a schema names, if it names any.
pub fn is_of_type(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().expect("a word") {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => value.is_object(),
    };
    match kinds {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

fn within(schema: &Value, [least, most]: [&str; 2], count: usize) -> bool {
    let bound = |word: &str| schema[word].as_u64().and_then(|n| usize::try_from(n).ok());
    bound(least).is_none_or(|least| count >= least) && bound(most).is_none_or(|most| count <= most)
}

fn allows_members(
    document: &Value,
    schema: &Value,
    members: &serde_json::Map<String, Value>,
) -> bool {
    let required = schema["required"].as_array().into_iter().flatten();
    let mut required = required.map(|name| name.as_str().expect("a word"));
    required.all(|name| members.contains_key(name))
        && members.iter().all(|(name, value)| {
            let names = &schema["propertyNames"];
            let shape = match (&schema["properties"][name], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(other)) => return *other,
                (Value::Null, other) => other,
                (own, _) => own,
            };
            allows(document, names, &json!(name)) && allows(document, shape, value)
        })
}

/// Sends each body and says where the schema of the operation and the server differ.
async fn differences(app: &TestApp, method: &Method, template: &str, path: &str, bodies: &[Value]) {
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    let operation = &document["paths"][template][method.as_str().to_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {template}");
    let ada = app.register("ada").await;
    let path = path.replace("{circle}", &circle(&ada).await);
    let mut different = Vec::new();
    for body in bodies {
        let request = ada.request(method.clone(), &path).json(body);
        let status = ada.send(request).await.status;
        let is_allowed = allows(&document, schema, body);
        if (status == 422) == is_allowed || !matches!(status, 200 | 201 | 422) {
            different.push(format!("{body}: {status}, allowed: {is_allowed}"));
        }
    }
    assert!(different.is_empty(), "{method} {template}: {different:#?}");
}

async fn circle(person: &crate::support::Session) -> String {
    let made = person.post("/v1/circles", &json!({"name": "few"})).await;
    made.expect_status(201).id()
}

#[tokio::test]
async fn of_frames_in_a_request() {
    let app = TestApp::start().await;
    let ping = json!({"op": "ping"});
    let path = "/v1/realtime/commands";
    let bodies = [
        json!(5),
        json!(null),
        json!("ping"),
        json!({}),
        json!([]),
        json!([1]),
        json!([ping, null]),
        json!({"id": "x", "op": "ping"}),
        json!({"id": 1.5, "op": "ping"}),
        json!({"id": null, "op": "ping", "d": null, "op_id": null}),
        json!({"op": 5}),
        json!({"op": "ping", "d": 5}),
        json!({"op": "ping", "d": []}),
        json!({"op": "ping", "d": {}}),
        json!({"op": "ping", "more": 1}),
        json!({"op": "dance"}),
        json!(vec![&ping; 32]),
        json!(vec![&ping; 33]),
        ping,
    ];
    differences(&app, &Method::POST, path, path, &bodies).await;
}

/// Nothing of a body is done where one of its frames cannot be read.
#[tokio::test]
async fn frames_in_a_request_are_read_before_any_is_done() {
    let app = TestApp::start().await;
    let ada = app.person("ada").await;
    let post = ada.post_to(&json!("public"), "a post").await;
    let said = json!({"op": "comment.create", "d": {"post_id": post, "content": "hello"}});
    let send = async |body: Value| {
        let request = ada.request(Method::POST, "/v1/realtime/commands");
        ada.send(request.json(&body)).await
    };
    let refused = send(json!([said, {"op": "ping", "d": 5}, 7])).await;
    let refused = refused.expect_problem(422, "validation_failed").json;
    let faults = refused["errors"].as_array().expect("faults").iter();
    let places: Vec<&Value> = faults.map(|fault| &fault["pointer"]).collect();
    assert_eq!(places, ["/1/d", "/2"]);
    let comments = format!("/v1/posts/{post}/comments");
    assert!(ada.get(&comments).await.ids().is_empty());
    let done = send(json!([said, {"op": "dance"}]))
        .await
        .expect_status(200);
    assert_eq!(done.json[0]["ok"], true);
    assert_eq!(done.json[1]["err"]["code"], "unknown_op");
    assert_eq!(ada.get(&comments).await.ids().len(), 1);
}

#[tokio::test]
async fn of_new_posts() {
    let app = TestApp::start().await;
    let to = |audience: Value| json!({"content": "x", "audience": audience});
    let bodies = [
        json!({}),
        json!({"audience": "public"}),
        json!({"content": ""}),
        json!({"content": null}),
        json!({"shared_post_id": null}),
        json!({"content": "x"}),
        json!({"content": "x", "shared_post_id": null}),
        to(json!("custom")),
        to(json!(null)),
        to(json!({})),
        to(json!({"kind": "public"})),
        to(json!({"kind": "nobody"})),
        to(json!({"kind": "public", "allow": [uuid::Uuid::nil()]})),
        to(json!({"kind": "friends", "deny": []})),
        to(json!({"kind": "custom"})),
        to(json!({"kind": "custom", "allow": null, "deny": []})),
        to(json!({"kind": "custom", "allow": []})),
        to(json!({"kind": "custom", "deny": vec![uuid::Uuid::nil(); 101]})),
        to(json!({"kind": "custom", "more": 1})),
    ];
    differences(&app, &Method::POST, "/v1/posts", "/v1/posts", &bodies).await;
}

#[tokio::test]
async fn of_preferences() {
    let app = TestApp::start().await;
    let of = |preferences: Value| json!({"preferences": preferences});
    let bodies = [
        json!({}),
        of(json!({})),
        of(json!({"boo": {}})),
        of(json!({"comment": {}})),
        of(json!({"comment": {"pigeon": false}})),
        of(json!({"comment": {"push": false}, "share": {"email": true}})),
        of(json!({"comment": {"push": null}})),
    ];
    let path = "/v1/me/notification-preferences";
    differences(&app, &Method::PUT, path, path, &bodies).await;
}

#[tokio::test]
async fn of_changes_of_a_circle() {
    let app = TestApp::start().await;
    let bodies = [
        json!({}),
        json!({"name": null}),
        json!({"name": ""}),
        json!({"name": "Others"}),
        json!({"title": "Others"}),
    ];
    let template = "/v1/circles/{id}";
    let path = "/v1/circles/{circle}";
    differences(&app, &Method::PATCH, template, path, &bodies).await;
}

/// What a parameter may be is described where it is refused.
#[test]
fn parameters_say_their_bounds() {
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    let schema = |path: &str, name: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        let found = parameters.find(|parameter| parameter["name"] == name);
        found.expect("a parameter")["schema"].clone()
    };
    assert_eq!(schema("/v1/realtime/poll", "wait")["maximum"], 60);
    for (path, name) in [
        ("/v1/realtime/poll", "chs"),
        ("/v1/realtime/sse", "chs"),
        ("/v1/events", "after"),
    ] {
        assert!(schema(path, name)["pattern"].is_string(), "{path} {name}");
    }
}
