//! The source files and what is in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned as _;

/// A file of the library.
pub struct Source {
    /// Its path from the project's root.
    pub file: String,
    /// Its module path, as in `["domains", "users", "store"]`.
    pub module: Vec<String>,
    /// What it says.
    pub text: String,
}

/// A function and its size.
pub struct Function {
    /// Its name.
    pub name: String,
    /// Lines of its body.
    pub lines: usize,
    /// Whether it answers a route.
    pub is_handler: bool,
}

/// Every file of the library. The command line is a program of its own that only uses it.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .filter_map(|path| {
            let inner = path
                .strip_prefix(&root)
                .expect("below src")
                .with_extension("");
            let mut module: Vec<String> = inner
                .iter()
                .map(|part| part.to_str().expect("UTF-8").to_owned())
                .collect();
            if module.last().is_some_and(|last| last == "mod") {
                module.pop();
            }
            let outside = ["main", "lib", "cli"];
            if outside.contains(&module.first()?.as_str()) {
                return None;
            }
            let text = std::fs::read_to_string(&path).expect("a readable file");
            Some(Source {
                file: format!("src/{}", inner.display()),
                module,
                text,
            })
        })
        .collect()
}

/// Every file of the tests and the benchmarks, with its path and what it says. They stand outside the
/// library, so its rules of imports and rooms are not for them.
pub fn tests() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for dir in ["tests", "benches"] {
        collect(&root.join(dir), &mut files);
    }
    files
        .into_iter()
        .map(|path| {
            let inner = path.strip_prefix(root).expect("below the root");
            let text = std::fs::read_to_string(&path).expect("a readable file");
            (inner.display().to_string(), text)
        })
        .collect()
}

/// Every file that runs, here or in Redis, with its path and what it says: the library's, the command
/// line's, and scripts.
pub fn programs() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    collect_of("lua", &root, &mut files);
    let said = files.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        (path.display().to_string(), text)
    });
    said.collect()
}

/// Every table of the schema.
pub fn tables() -> BTreeSet<String> {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut tables = BTreeSet::new();
    for path in entries(&migrations) {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        for rest in text.split("create table ").skip(1) {
            let name = rest.split_whitespace().next().expect("a name");
            tables.insert(name.to_owned());
        }
    }
    tables
}

/// What follows the words that write in a file, which are names of tables where they stand in SQL.
pub fn written(source: &Source) -> BTreeSet<String> {
    let words: Vec<&str> = source
        .text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let mut names = BTreeSet::new();
    for three in words.windows(3) {
        let name = match three {
            ["insert", "into", name] | ["delete", "from", name] => name,
            [before, "update", name] if !["do", "for", "key"].contains(before) => name,
            _ => continue,
        };
        names.insert((*name).to_owned());
    }
    names
}

/// Every domain with the name of each file and folder that stands right in it.
pub fn rooms() -> Vec<(String, String)> {
    let domains = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domains");
    let name = |path: &Path| {
        let stem = path.file_stem().expect("a name");
        stem.to_str().expect("UTF-8").to_owned()
    };
    let mut rooms = Vec::new();
    for domain in entries(&domains).into_iter().filter(|path| path.is_dir()) {
        let mut found = entries(&domain);
        // An empty folder is a trace of a former checkout.
        found.retain(|room| room.is_file() || !entries(room).is_empty());
        rooms.extend(found.iter().map(|room| (name(&domain), name(room))));
    }
    rooms
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    collect_of("rs", dir, files);
}

fn collect_of(wanted: &str, dir: &Path, files: &mut Vec<PathBuf>) {
    for path in entries(dir) {
        if path.is_dir() {
            collect_of(wanted, &path, files);
        } else if path
            .extension()
            .is_some_and(|extension| extension == wanted)
        {
            files.push(path);
        }
    }
}

/// The functions of a file, without those of its tests.
pub fn functions(source: &Source) -> Vec<Function> {
    let parsed = syn::parse_file(&source.text).expect("the file parses");
    let mut found = Vec::new();
    for item in &parsed.items {
        match item {
            syn::Item::Fn(function) => {
                found.push(measure(&function.sig, &function.block, &function.attrs));
            }
            syn::Item::Impl(block) => {
                for item in &block.items {
                    if let syn::ImplItem::Fn(function) = item {
                        found.push(measure(&function.sig, &function.block, &function.attrs));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn measure(sig: &syn::Signature, block: &syn::Block, attrs: &[syn::Attribute]) -> Function {
    let methods = ["get", "post", "put", "patch", "delete"];
    let span = block.span();
    Function {
        name: sig.ident.to_string(),
        // The braces' own lines do not count.
        lines: (span.end().line - span.start().line).saturating_sub(1),
        is_handler: attrs
            .iter()
            .any(|attr| methods.iter().any(|method| attr.path().is_ident(method))),
    }
}
