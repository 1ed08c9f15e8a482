//! Holds values against the schemas of `/openapi.json`.

use std::sync::LazyLock;

use serde_json::Value;

use crate::shapes::is_of_type;

static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    let document = serde_json::to_value(kith::app::document()).expect("JSON");
    document["components"]["schemas"].clone()
});

/// The schema of this name, if there is one.
pub fn schema(name: &str) -> Option<&'static Value> {
    SCHEMAS.get(name)
}

/// Says what of a value its schema does not allow; `place` is where it stands.
pub fn fault(schema: &Value, value: &Value, place: &str) -> Option<String> {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().expect("a name");
        return fault(SCHEMAS.get(name).expect("a schema"), value, place);
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let faults: Option<Vec<String>> = ways.iter().map(|way| fault(way, value, place)).collect();
        return faults.map(|faults| faults.join("; or "));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().find_map(|part| fault(part, value, place));
    }
    if !is_of_type(&schema["type"], value) {
        return Some(format!("{place} is {value} and no {}", schema["type"]));
    }
    match value {
        Value::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let mut required = required.map(|name| name.as_str().expect("a word"));
            let missing = required.find(|name| !members.contains_key(*name));
            let known = schema["properties"].as_object();
            let within = |(name, value): (&String, &Value)| {
                fault(known?.get(name)?, value, &format!("{place}.{name}"))
            };
            let missing = missing.map(|name| format!("{place} lacks {name}"));
            missing.or_else(|| members.iter().find_map(within))
        }
        Value::Array(items) => {
            let each = |item: &Value| fault(&schema["items"], item, &format!("{place}[]"));
            items.iter().find_map(each)
        }
        _ => None,
    }
}

#[test]
fn a_value_is_held_against_every_member_of_its_schema() {
    let person = schema("Person").expect("a schema");
    let anybody = serde_json::json!({"id": "01938b2f-5a00-7000-8000-000000000001", "username": "a",
        "display_name": "A", "avatar_url": null, "deleted": false});
    assert_eq!(fault(person, &anybody, "it"), None);
    let mut faulty = anybody.clone();
    faulty["deleted"] = Value::Null;
    assert!(fault(person, &faulty, "it").is_some());
    faulty.as_object_mut().expect("members").remove("deleted");
    assert_eq!(
        fault(person, &faulty, "it"),
        Some("it lacks deleted".to_owned())
    );
    assert!(fault(schema("Conversation").expect("a schema"), &anybody, "it").is_some());
}
