//! The types of the HTTP layer describe themselves.

use kith::kernel::PostId;
use kith::platform::http::{IdList, ListOf, PageParams, Patch, ProblemBody, UserRef};
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, OpenApi, ToSchema};

#[derive(serde::Serialize, ToSchema)]
struct Thing {
    id: PostId,
}

#[derive(Deserialize, ToSchema)]
struct Change {
    /// A text that may be removed.
    #[serde(default)]
    bio: Patch<String>,
    /// Something with a schema of its own.
    #[serde(default)]
    thing: Patch<Inner>,
}

#[derive(Deserialize, ToSchema)]
struct Inner {
    size: u8,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Batch {
    #[param(inline)]
    ids: IdList<PostId>,
}

#[utoipa::path(
    patch,
    path = "/v1/things/{id}",
    request_body = Change,
    params(("id" = inline(UserRef), Path), PageParams, Batch),
    responses(
        (status = 200, body = ListOf<Thing>),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
fn described() {}

#[derive(OpenApi)]
#[openapi(paths(described))]
struct Api;

fn refs<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| match value.as_str() {
            Some(target) if key == "$ref" => found.push(target),
            _ => refs(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| refs(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    described();
    let change: Change = serde_json::from_str(r#"{"bio":null,"thing":{"size":1}}"#).expect("reads");
    assert_eq!(change.bio, Patch::Clear);
    assert_eq!(change.thing.set_or(None).map(|inner| inner.size), Some(1));
    let batch: Batch = serde_json::from_str(r#"{"ids":"none"}"#).expect("reads");
    assert!(batch.ids.0.is_empty());
    let api = serde_json::to_value(Api::openapi()).expect("JSON");
    let mut found = Vec::new();
    refs(&api, &mut found);
    assert!(!found.is_empty());
    for target in found {
        let pointer = target.trim_start_matches('#');
        assert!(api.pointer(pointer).is_some(), "{target} in {api:#}");
    }
    let text = api.to_string();
    for name in ["ListOf_Thing", "schemas/Problem\"", "\"limit\"", "\"ids\""] {
        assert!(text.contains(name), "{name} in {api:#}");
    }
    let bio = api
        .pointer("/components/schemas/Change/properties/bio")
        .expect("described");
    assert_eq!(bio["description"], "A text that may be removed.");
}
