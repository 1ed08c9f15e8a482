//! Every space that rows end has triggers that say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kith::infra::cache::Kind;

use crate::support::TestApp;

/// All sources below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| sources(folder));
    files.into_iter().chain(below).collect()
}

/// What stands before the first colon of each tag, by space: read off the sources, where a space
/// writes its tags as `format!("user:{user_id}")`.
fn tags_of_spaces() -> BTreeMap<String, BTreeSet<String>> {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let engine = |file: &PathBuf| !file.components().any(|part| part.as_os_str() == "infra");
    let files = files.into_iter().filter(engine);
    let mut found = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        for space in text.split("> = Space {").skip(1) {
            let space = space.split("\n};").next().unwrap_or_default();
            let name = between(space, "name: \"", "\"").expect("a name").to_owned();
            let tags = between(space, "tags: ", "tables: ").expect("tags");
            let prefixes = tags.split("format!(\"").skip(1);
            // A space of one entry has a constant for its tag.
            let constant = tags.split_once("smallvec![").and_then(|(_, tag)| {
                let name = tag.split_once(".to_owned()")?.0;
                between(&text, &format!("const {name}: &str = \""), "\"")
            });
            let prefixes = prefixes.chain(constant);
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
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (table, operation, source) in rows {
        let literals = source.split('\'');
        let tags = literals.filter_map(|literal| literal.strip_suffix(':').map(str::to_owned));
        found.entry((table, operation)).or_default().extend(tags);
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

/// Tags of triggers that no space has: timelines lie in Redis beside the spaces, and who listens to somebody's
/// posts is asked about when that person's standing changes.
const OF_NO_SPACE: [&str; 2] = ["standing", "timeline"];

#[tokio::test]
async fn triggers_name_no_tag_that_nobody_reads() {
    let app = TestApp::start().await;
    let read: BTreeSet<String> = tags_of_spaces().into_values().flatten().collect();
    let named = tags_of_triggers(&app).await.into_values().flatten();
    let named: BTreeSet<String> = named.collect();
    let others: Vec<&String> = named.difference(&read).collect();
    assert_eq!(others, OF_NO_SPACE);
}
