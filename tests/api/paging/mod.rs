//! Walking a list visits each item once, whatever happens to the list meanwhile. The home feed's walk
//! is in `feed`.

mod changing;
mod cursors;
mod late;

use serde_json::Value;

use crate::support::Reply;

/// The ids of a page of posts, comments, circles, or of the people in a list.
fn ids(reply: &Reply) -> Vec<String> {
    let data = reply.json["data"].as_array().expect("a list");
    let id = |item: &Value| {
        let id = item["id"].as_str().or(item["user"]["id"].as_str());
        id.expect("an id").to_owned()
    };
    data.iter().map(id).collect()
}

/// Fails the test unless the `Link` header names the same cursors as the body.
#[track_caller]
fn expect_links(reply: &Reply) {
    let link = reply.header("link").expect("Link");
    let mut expected = Vec::new();
    for (relation, cursor) in [("next", reply.next()), ("prev", reply.prev())] {
        if let Some(cursor) = cursor {
            expected.push((relation, cursor));
        }
    }
    let told: Vec<&str> = link.split(", ").collect();
    assert_eq!(told.len(), expected.len(), "{link}");
    for (line, (relation, cursor)) in told.into_iter().zip(expected) {
        let (address, name) = line.split_once("; ").expect("a relation");
        assert_eq!(name, format!("rel=\"{relation}\""));
        let address = address.trim_matches(['<', '>']);
        let url = reqwest::Url::parse(address).expect("an absolute URL");
        let named = url.query_pairs().find(|(name, _)| name == "cursor");
        assert_eq!(named.map(|(_, value)| value.into_owned()), Some(cursor));
    }
}
