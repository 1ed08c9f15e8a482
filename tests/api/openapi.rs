//! The OpenAPI document: complete, held equal to the router, and never broken.

use std::collections::BTreeSet;

use kith::kernel::Code;
use serde_json::Value;

use crate::support::TestApp;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The document that was committed: what clients were promised.
fn promised() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let text =
        std::fs::read_to_string(path).expect("openapi.json is committed: run `make openapi`");
    serde_json::from_str(&text).expect("JSON")
}

fn served() -> Value {
    serde_json::to_value(kith::app::document()).expect("JSON")
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                found.push((method.to_owned(), path.clone(), operation.clone()));
            }
        }
    }
    found
}

#[test]
fn the_committed_document_is_the_served_one() {
    assert_eq!(
        promised(),
        served(),
        "run `make openapi` and read the difference"
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_a_tag_and_a_summary() {
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&served()) {
        let name = operation["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(
            names.insert(name.clone()),
            "{method} {path}: {name} is used twice"
        );
        assert!(
            operation["tags"][0].is_string(),
            "{method} {path} has no tag"
        );
        assert!(
            operation["summary"].is_string(),
            "{method} {path} has no summary"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = served();
    let mut missing = BTreeSet::new();
    check_references(&document, &document, &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What a client is generated from takes and gives an object's members only if they are described.
#[test]
fn every_object_says_what_it_may_hold() {
    let document = served();
    let mut silent = Vec::new();
    find_silent("", &document, &mut silent);
    assert!(silent.is_empty(), "{silent:#?}");
}

fn find_silent(place: &str, value: &Value, silent: &mut Vec<String>) {
    let is_object = value["type"] == "object";
    let says = ["properties", "additionalProperties"];
    if is_object && says.iter().all(|word| value.get(word).is_none()) {
        silent.push(place.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                find_silent(&format!("{place}/{name}"), member, silent);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                find_silent(&format!("{place}/{index}"), item, silent);
            }
        }
        _ => {}
    }
}

fn check_references(document: &Value, value: &Value, missing: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                let pointer = reference.trim_start_matches('#');
                if document.pointer(pointer).is_none() {
                    missing.insert(reference.to_owned());
                }
            }
            for member in members.values() {
                check_references(document, member, missing);
            }
        }
        Value::Array(items) => {
            for item in items {
                check_references(document, item, missing);
            }
        }
        _ => {}
    }
}

#[test]
fn every_parameter_of_a_path_is_described() {
    for (method, path, operation) in operations(&served()) {
        let described: BTreeSet<&str> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        let named: BTreeSet<&str> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        assert_eq!(described, named, "{method} {path}");
    }
}

#[test]
fn every_error_has_a_body_and_what_is_no_id_is_not_described_as_one() {
    let document = served();
    let mut texts = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        for (status, answer) in operation["responses"].as_object().expect("answers") {
            let is_described = answer.get("$ref").is_some() || answer["content"].is_object();
            assert!(
                status < &"400".to_owned() || is_described,
                "{method} {path} {status}"
            );
        }
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "path") {
            let schema = &parameter["schema"];
            if schema["format"] != "uuid" && schema.get("$ref").is_none() {
                texts.insert(parameter["name"].as_str().expect("a name").to_owned());
            }
        }
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(texts, ["key", "name", "policy", "space", "tag"]);
}

/// Clients branch on the code of a problem: each that there is can be told, and no other.
#[test]
fn the_codes_of_problems_are_described() {
    let document = served();
    let schemas = &document["components"]["schemas"];
    let told = schemas["ProblemCode"]["enum"].as_array().expect("codes");
    let told: Vec<&str> = told.iter().filter_map(Value::as_str).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(told, codes);
    let code = schemas["Problem"]["properties"]["code"].to_string();
    assert!(code.contains("#/components/schemas/ProblemCode"), "{code}");
}

/// Within `/v1` changes only add: what a client could send and read before, it can send and read now.
#[test]
fn nothing_that_was_promised_is_taken_back() {
    let (old, new) = (promised(), served());
    let mut broken = Vec::new();
    for (method, path, operation) in operations(&old) {
        let now = &new["paths"][&path][&method];
        if now.is_null() {
            broken.push(format!("{method} {path} is gone"));
            continue;
        }
        for status in operation["responses"]
            .as_object()
            .expect("responses")
            .keys()
        {
            if now["responses"].get(status).is_none() {
                broken.push(format!("{method} {path} no longer tells of {status}"));
            }
        }
        for parameter in now["parameters"].as_array().into_iter().flatten() {
            let was_there = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|old| old["name"] == parameter["name"] && old["in"] == parameter["in"]);
            if !was_there && parameter["required"] == true {
                broken.push(format!("{method} {path} now demands {}", parameter["name"]));
            }
        }
    }
    for (name, schema) in old["components"]["schemas"].as_object().expect("schemas") {
        broken.extend(broken_schema(
            name,
            schema,
            &new["components"]["schemas"][name],
        ));
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

fn broken_schema(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for (member, shape) in old["properties"].as_object().into_iter().flatten() {
        let now = &new["properties"][member];
        if now.is_null() {
            broken.push(format!("{name}.{member} is gone"));
        } else if now["type"] != shape["type"] || now["$ref"] != shape["$ref"] {
            broken.push(format!("{name}.{member} is another type"));
        }
    }
    let required = |schema: &Value| -> BTreeSet<String> {
        let names = schema["required"].as_array().into_iter().flatten();
        names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    for member in required(old).difference(&required(new)) {
        broken.push(format!("{name}.{member} may be missing now"));
    }
    for value in old["enum"].as_array().into_iter().flatten() {
        if !new["enum"]
            .as_array()
            .is_some_and(|values| values.contains(value))
        {
            broken.push(format!("{name} no longer knows {value}"));
        }
    }
    broken
}

#[tokio::test]
async fn every_described_route_is_served_and_its_methods_are_told() {
    let app = TestApp::start().await;
    for (method, path, _) in operations(&served()) {
        let concrete = path.replace("{id}", "none").replace("{user_id}", "none");
        let options = app.anyone().request(reqwest::Method::OPTIONS, &concrete);
        let reply = app.anyone().send(options).await.expect_status(204);
        let allow = reply.header("allow").expect("Allow");
        assert!(
            allow.contains(&method.to_uppercase()),
            "{method} {path}: {allow}"
        );
        let method: reqwest::Method = method.to_uppercase().parse().expect("a method");
        let reply = app
            .anyone()
            .send(app.anyone().request(method, &concrete))
            .await;
        assert_ne!(reply.status, 405, "{path}");
    }
}

#[test]
fn bodies_are_described_with_everything_that_they_may_hold() {
    let document = served();
    for (method, path, operation) in operations(&document) {
        let writes = matches!(method.as_str(), "post" | "put" | "patch");
        let kept = operation["responses"].get("413").is_some();
        let body = &operation["requestBody"];
        assert_eq!(body.is_object(), kept, "{method} {path}");
        assert!(
            method != "patch" || body.is_object(),
            "{method} {path} has no body"
        );
        assert!(
            writes || body.is_null() || path == "/v1/me",
            "{method} {path}"
        );
        for content in body["content"].as_object().into_iter().flatten() {
            let name = content.1["schema"]["$ref"].as_str().unwrap_or_default();
            let at = |name: &str| document.pointer(name.trim_start_matches('#'));
            let mut schema = at(name);
            // One of a thing or a list of it.
            let one = schema.and_then(|schema| schema["oneOf"][0]["$ref"].as_str());
            if let Some(one) = one {
                schema = at(one);
            }
            let closed = schema.map(|schema| &schema["additionalProperties"]);
            assert_eq!(closed, Some(&Value::Bool(false)), "{method} {path}: {name}");
        }
    }
}

#[test]
fn what_can_be_read_signed_out_is_described_so() {
    let document = served();
    let open = |path: &str| document["paths"][path]["get"]["security"][0] == serde_json::json!({});
    for path in [
        "/v1/posts/{id}",
        "/v1/users/{id}",
        "/v1/posts/{id}/comments",
    ] {
        assert!(open(path), "{path}");
    }
    for path in ["/v1/me", "/v1/feed", "/v1/friends"] {
        assert!(!open(path), "{path}");
    }
}
