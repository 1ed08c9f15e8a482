//! The house's rules, read off the sources: who may import whom, no circles, sizes, headers, words
//! that must not appear.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking"
)]

mod edges;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use edges::{Edge, edges};
use sources::{functions, programs, rooms, sources, tables, tests, written};

/// The domains from left to right: each may use those before it.
const DOMAINS: &[&str] = &[
    "media",
    "users",
    "auth",
    "relations",
    "reactions",
    "posts",
    "comments",
    "feed",
    "discovery",
    "messaging",
    "documents",
    "moderation",
    "notifications",
];

/// The rooms that a domain may have; `mod` is its face.
const ROOMS: &[&str] = &[
    "mod", "routes", "view", "actions", "model", "store", "cache", "events", "jobs", "live",
];

/// Which top-level module may use which others.
const LAYERS: &[(&str, &[&str])] = &[
    ("kernel", &[]),
    ("infra", &["kernel"]),
    ("platform", &["kernel", "infra"]),
    ("domains", &["kernel", "infra", "platform"]),
    ("seeds", &["kernel", "infra", "platform", "domains"]),
    ("admin", &["kernel", "infra", "platform", "domains"]),
    (
        "app",
        &["kernel", "infra", "platform", "domains", "seeds", "admin"],
    ),
];

/// Names that a module shows at its own level, and where they live.
const FACES: &[(&str, &str)] = &[
    ("keyset", "infra::db"),
    ("stored_words", "infra::db"),
    ("text_type", "kernel::text"),
    ("words", "kernel::words"),
    ("platform::Ctx", "platform::context"),
    ("platform::Reads", "platform::reads"),
    ("platform::Held", "platform::reads"),
    ("platform::Tx", "platform::write"),
    ("platform::Writer", "platform::write"),
    ("platform::Answer", "platform::write"),
];

fn may_import(from: &str, to: &str) -> bool {
    let (from_layer, from_module) = from.split_once("::").unwrap_or((from, ""));
    let (to_layer, to_module) = to.split_once("::").unwrap_or((to, ""));
    if from_layer == to_layer {
        return from_layer != "domains" || is_left_of(to_module, from_module);
    }
    LAYERS
        .iter()
        .find(|(layer, _)| *layer == from_layer)
        .is_some_and(|(_, allowed)| allowed.contains(&to_layer))
}

fn is_left_of(one: &str, other: &str) -> bool {
    let place = |name| DOMAINS.iter().position(|domain| *domain == name);
    match (place(one), place(other)) {
        (Some(one), Some(other)) => one <= other,
        _ => false,
    }
}

fn all_edges() -> Vec<Edge> {
    sources()
        .iter()
        .flat_map(|source| edges(source, FACES))
        .collect()
}

#[test]
fn nobody_imports_what_the_map_does_not_allow() {
    let wrong: Vec<String> = all_edges()
        .into_iter()
        .filter(|edge| !may_import(&edge.from, &edge.to))
        .map(|edge| format!("{}: {} uses {}", edge.file, edge.from, edge.to))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_no_circle_of_imports() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for edge in all_edges().into_iter().filter(|edge| edge.from != edge.to) {
        graph.entry(edge.from).or_default().insert(edge.to);
    }
    // What nothing in the rest leads to or from is taken away until only circles are left.
    loop {
        let leaves: Vec<String> = graph
            .iter()
            .filter(|(_, to)| !to.iter().any(|module| graph.contains_key(module)))
            .map(|(from, _)| from.clone())
            .collect();
        if leaves.is_empty() {
            break;
        }
        for leaf in leaves {
            graph.remove(&leaf);
        }
    }
    assert!(graph.is_empty(), "a circle among {graph:#?}");
}

#[test]
fn a_domain_shows_one_face_and_hides_its_rooms() {
    for source in sources() {
        let is_face = source.module.len() == 2 && source.module[0] == "domains";
        if is_face {
            assert!(
                !source.text.contains("\npub mod "),
                "{} shows a room",
                source.file
            );
        }
    }
}

#[test]
fn every_module_begins_with_a_sentence_and_no_file_is_long() {
    let library = sources()
        .into_iter()
        .map(|source| (source.file, source.text));
    let tests = tests();
    assert!(tests.iter().any(|(file, _)| file == "tests/api/main.rs"));
    assert!(tests.iter().any(|(file, _)| file == "benches/feed.rs"));
    for (file, text) in library.chain(tests) {
        assert!(text.starts_with("//! "), "{file} has no header sentence");
        let lines = text.lines().count();
        assert!(lines <= 400, "{file} has {lines} lines");
    }
}

#[test]
fn handlers_and_actions_are_short() {
    let mut long = Vec::new();
    for source in sources()
        .into_iter()
        .filter(|s| s.module.first().is_some_and(|m| m == "domains"))
    {
        for function in functions(&source) {
            let limit = if function.is_handler { 15 } else { 50 };
            if function.lines > limit {
                long.push(format!(
                    "{}: {} has {} lines",
                    source.file, function.name, function.lines
                ));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn sql_stands_in_stores_only() {
    for source in sources()
        .iter()
        .filter(|s| s.module.first().is_some_and(|m| m == "domains"))
    {
        let in_store = source.module.get(2).is_some_and(|room| room == "store");
        let has_sql = ["sqlx::query", "keyset!("]
            .iter()
            .any(|word| source.text.contains(word));
        assert!(in_store || !has_sql, "{} holds SQL", source.file);
    }
}

/// SQL may read any table. Seeds stand above the domains and load tables of all of them.
#[test]
fn what_a_domain_writes_nobody_else_does() {
    let tables = tables();
    let mut writers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources()
        .iter()
        .filter(|source| source.module[0] != "seeds")
    {
        let owner: Vec<&str> = source.module.iter().take(2).map(String::as_str).collect();
        for table in written(source).intersection(&tables) {
            let known = writers.entry(table.clone()).or_default();
            known.insert(owner.join("::"));
        }
    }
    assert!(writers.len() > 40, "{writers:#?}");
    writers.retain(|_, by| by.len() > 1 && by.iter().any(|one| one.starts_with("domains::")));
    assert!(writers.is_empty(), "several write {writers:#?}");
}

#[test]
fn routes_call_views_and_actions_and_no_store() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|source| source.module.first().is_some_and(|m| m == "domains"))
        .filter(|source| source.module.get(2).is_some_and(|room| room == "routes"))
        .filter(|source| source.text.contains("store::") || source.text.contains("::store"))
        .map(|source| source.file)
        .collect();
    assert!(wrong.is_empty(), "{} name a store", wrong.join(", "));
}

#[test]
fn a_domain_has_the_named_rooms_and_no_others() {
    let wrong: Vec<String> = rooms()
        .into_iter()
        .filter(|(_, room)| !ROOMS.contains(&room.as_str()))
        .map(|(domain, room)| format!("{domain}/{room} is no room"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What of a program scans or empties a Redis: such a command, written in any way, or a client's method.
fn scans_or_empties(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("");
    let words = ["keys", "scan", "flushdb", "flushall"];
    let loud = words.map(|word| format!("\"{}\"", word.to_uppercase()));
    if let Some(said) = loud.into_iter().find(|said| text.contains(said)) {
        return Some(said);
    }
    let text = text.to_lowercase();
    let said = words.iter().flat_map(|word| {
        let calls = ["cmd(", "call("].into_iter();
        calls.flat_map(move |call| ["'", "\""].map(|quote| format!("{call}{quote}{word}{quote}")))
    });
    let methods = ["scan()", "scan_match(", "scan_options("].into_iter();
    let methods = methods.chain(["flushdb(", "flushall("]);
    let mut said = said.chain(methods.map(|method| format!(".{method}")));
    // A map gives its keys without being asked which, and some ask with a closure.
    let mut asked = text.split(".keys(").skip(1);
    if asked.any(|pattern| !pattern.starts_with([')', '|'])) {
        return Some(".keys(pattern)".to_owned());
    }
    said.find(|said| text.contains(said))
}

#[test]
fn words_that_would_scan_or_empty_a_shared_redis_do_not_appear() {
    let mut files = 0;
    for (file, text) in programs() {
        assert_eq!(scans_or_empties(&text), None, "{file}");
        files += usize::from(file.contains(".lua"));
    }
    assert!(files > 8, "{files} scripts");
}

#[test]
fn such_words_are_found_however_they_are_written() {
    for bad in [
        "pipe.cmd(\"KEYS\")",
        "redis::cmd(\"keys\")",
        "local all = redis.call('KEYS', '*')",
        "call(\"Scan\", 0)",
        "redis.call('flushall')",
        "conn.keys(\"*\")",
        "conn.keys(\n    pattern)",
        "conn.scan()",
        "conn.scan_match(\"a*\")",
        "conn.flushdb()",
    ] {
        assert!(scans_or_empties(bad).is_some(), "{bad}");
    }
    for good in [
        "map.keys()",
        "question.keys(|rest| redis.key(rest))",
        "redis.call('GET', KEYS[1])",
        "-- 'KEYS' in a comment",
        "iter.scan(0, |sum, one| Some(*sum))",
    ] {
        assert_eq!(scans_or_empties(good), None, "{good}");
    }
}

#[test]
fn request_types_refuse_unknown_members() {
    for source in sources()
        .iter()
        .filter(|s| s.module.first().is_some_and(|m| m == "domains"))
    {
        let derives = source.text.matches("Deserialize, ToSchema)]\n").count()
            + source.text.matches("Deserialize, IntoParams)]\n").count();
        let strict = source.text.matches("deny_unknown_fields").count()
            + source.text.matches("serde(try_from").count()
            + source.text.matches("serde(rename_all").count()
            + source.text.matches("serde(transparent").count()
            + source.text.matches("serde(untagged").count();
        assert!(
            derives <= strict,
            "{}: {derives} request types, {strict} strict",
            source.file
        );
    }
}

/// The document says that a key is taken by what is posted; whether it is, the handler says: one without a `Writer`
/// takes none.
#[test]
fn a_route_is_said_to_take_an_idempotency_key_only_if_its_handler_does() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../openapi.json")).expect("JSON");
    let mut wrong = Vec::new();
    for source in sources() {
        for rest in source.text.split("#[post(\"").skip(1) {
            let path = rest.split('"').next().unwrap_or_default();
            let handler = rest.split(") ->").next().unwrap_or_default();
            let takes = handler.contains(": Writer");
            let parameters = &document["paths"][format!("/v1{path}")]["post"]["parameters"];
            let parameters = parameters.as_array().cloned().unwrap_or_default();
            let is_said = parameters
                .iter()
                .any(|one| one["name"] == "Idempotency-Key");
            if is_said && !takes {
                wrong.push(format!("{}: {path}", source.file));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
