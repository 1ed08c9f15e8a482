//! Whatever a test is told is held against the catalogue of events: a kind, a channel, a class or a
//! member that is not in it is a fault, and so is an object of the API that is not whole, whatever the
//! test is about.

use std::sync::LazyLock;

use kith::platform::realtime::{Class, Entry};
use serde_json::Value;

use super::shape;

/// Objects that are not whole, as the catalogue says of them.
const NOT_WHOLE: [(&str, &str); 2] = [("me.changed", "me"), ("comment.deleted", "comment")];

static EVENTS: LazyLock<Vec<Entry>> = LazyLock::new(kith::app::events);

/// Fails the test if this holds an e-mail address, or is an event that is not as the catalogue says.
pub fn check(frame: &Value) {
    let words = frame.to_string();
    assert!(
        !words.contains("@example.org"),
        "an e-mail address: {words}"
    );
    let Some(kind) = frame["t"].as_str().filter(|kind| *kind != "test.event") else {
        return;
    };
    let channel = frame["ch"].as_str().expect("a channel");
    let (topic, _id) = channel.split_once(':').expect("a topic");
    let fits = |entry: &&Entry| (entry.kind, entry.topic) == (kind, topic);
    let entry = EVENTS.iter().find(fits);
    let entry = entry.unwrap_or_else(|| panic!("no catalogue has this: {frame:#}"));
    let is_durable = entry.class == Class::Durable;
    // To whoever may not see a post any more its end is told apart from what others are told.
    let is_farewell = kind == "post.removed" && frame.get("o").is_none();
    assert!(
        is_farewell || frame.get("o").is_some() == is_durable,
        "{frame:#}"
    );
    let d = frame["d"].as_object().expect("members");
    for (name, object, is_optional) in &entry.d {
        let is_there = d.contains_key(*name);
        assert!(is_there || *is_optional, "{name} is missing: {frame:#}");
        let schema = shape::schema(object).filter(|_| !NOT_WHOLE.contains(&(kind, *name)));
        let fault = schema.and_then(|schema| shape::fault(schema, &d[*name], name));
        assert_eq!(fault, None, "{frame:#}");
    }
    for name in d.keys() {
        let is_declared = entry.d.iter().any(|(known, ..)| known == name);
        assert!(is_declared, "{name} is in no catalogue: {frame:#}");
    }
}
