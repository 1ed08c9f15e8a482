//! Holds every answer of every test against the API's description: a status or a header that the
//! document does not tell of is a fault, whatever the test is about.

use std::sync::LazyLock;

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(kith::app::document()).expect("JSON"));

/// Headers that clients act upon: sent where they are described, and nowhere else.
const ACTED_UPON: [&str; 3] = ["ETag", "Location", "Link"];

/// Fails the test unless the answer is one that the document describes.
#[track_caller]
pub fn check(asked: &str, method: &Method, path: &str, status: u16, headers: &HeaderMap) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let described = &operation["responses"][status.to_string()];
    assert!(described.is_object(), "{asked}: {status} is not described");
    if !(200..300).contains(&status) {
        return;
    }
    for name in ACTED_UPON {
        assert_eq!(
            headers.contains_key(name),
            described["headers"].get(name).is_some(),
            "{asked}: {name} is either sent or described, not both"
        );
    }
}

/// The operation that answers; of several templates, the one with the most words in it.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = method.as_str().to_lowercase();
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let candidates = paths
        .iter()
        .filter_map(|(template, item)| Some((fit(template, path)?, item.get(&method)?)));
    Some(candidates.max_by_key(|(words, _)| *words)?.1)
}

/// How many segments of the template are those of the path, if it fits.
fn fit(template: &str, path: &str) -> Option<usize> {
    let (template, path): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    let pairs = template.iter().zip(&path);
    let fits = template.len() == path.len()
        && pairs
            .clone()
            .all(|(wanted, given)| wanted == given || wanted.starts_with('{'));
    fits.then(|| pairs.filter(|(wanted, given)| wanted == given).count())
}
