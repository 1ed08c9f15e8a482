//! Every space that rows end has triggers that say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kith::infra::cache::Kind;

use crate::support::TestApp;

/// What stands before the first colon of each tag, in order of space: read off the sources, where a
/// space writes its tags as `format!("user:{user_id}")`.
fn tags_of_spaces() -> BTreeMap<String, BTreeSet<String>> {
    let domains = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domains");
    let mut files: Vec<_> = std::fs::read_dir(domains)
        .expect("the domains")
        .flat_map(|domain| {
            let domain = domain.expect("a domain").path();
            let room = std::fs::read_dir(domain.join("cache"));
            let in_room = room.into_iter().flatten();
            let in_room = in_room.map(|file| file.expect("a file").path());
            in_room.chain([domain.join("cache.rs")])
        })
        .collect();
    files.retain(|file| file.is_file());
    let mut found = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        for space in text.split("> = Space {").skip(1) {
            let space = space.split("\n};").next().unwrap_or_default();
            let name = between(space, "name: \"", "\"").expect("a name").to_owned();
            let tags = between(space, "tags: ", "tables: ").expect("tags");
            let prefixes = tags.split("format!(\"").skip(1);
            let prefixes = prefixes.filter_map(|tag| Some(tag.split_once(':')?.0.to_owned()));
            found.insert(name, prefixes.collect());
        }
    }
    found
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.split_once(start)?.1.split(end).next()
}

/// What stands before the colon of each tag that a table's triggers name, by table and operation.
async fn tags_of_triggers(app: &TestApp) -> BTreeMap<(String, String), BTreeSet<String>> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "select c.relname::text, o.name, p.prosrc
         from pg_trigger t
         join pg_class c on c.oid = t.tgrelid
         join pg_proc p on p.oid = t.tgfoid
         join (values (4, 'insert'), (8, 'delete'), (16, 'update')) o (bit, name)
           on t.tgtype & o.bit > 0
         where p.proname like 'void\\_%' and t.tgenabled = 'O' and t.tgtype & 1 = 0",
    )
    .fetch_all(&app.db)
    .await
    .expect("triggers");
    let mut found = BTreeMap::new();
    for (table, operation, source) in rows {
        let tags = source.split("select '").skip(1);
        let tags = tags.filter_map(|tag| Some(tag.split_once(":'")?.0.to_owned()));
        found.insert((table, operation), tags.collect());
    }
    found
}

#[tokio::test]
async fn each_table_of_a_space_has_triggers_that_name_one_of_its_tags() {
    let app = TestApp::start().await;
    let (spaces, triggers) = (tags_of_spaces(), tags_of_triggers(&app).await);
    let mut wrong = Vec::new();
    for space in kith::app::spaces() {
        if space.kind == Kind::Timed {
            continue;
        }
        let tags = spaces.get(space.name).cloned().unwrap_or_default();
        if tags.is_empty() {
            wrong.push(format!(
                "{}: its tags are not found in the sources",
                space.name
            ));
        }
        if space.tables.is_empty() {
            wrong.push(format!("{}: names no table", space.name));
        }
        for table in space.tables {
            for operation in ["insert", "update", "delete"] {
                let place = ((*table).to_owned(), operation.to_owned());
                let named = triggers.get(&place).cloned().unwrap_or_default();
                if named.is_disjoint(&tags) {
                    let name = space.name;
                    wrong.push(format!(
                        "{name}: {operation} on {table} voids none of {tags:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
