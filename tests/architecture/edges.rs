//! Imports, read off the tokens, so that paths inside macros count too.

use proc_macro2::{TokenStream, TokenTree};

use crate::sources::Source;

/// One module uses another. Modules are named to the second level: `infra::db`, `domains::users`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The module that uses.
    pub from: String,
    /// The module that is used.
    pub to: String,
    /// Where it says so.
    pub file: String,
}

/// What a file uses. `faces` says where re-exported names really live.
pub fn edges(source: &Source, faces: &[(&str, &str)]) -> Vec<Edge> {
    let tokens: TokenStream = source.text.parse().expect("the file has tokens");
    let mut paths = Vec::new();
    find(tokens, &source.module, &mut paths);
    let from = name(&source.module);
    let mut edges: Vec<Edge> = paths
        .iter()
        .filter(|path| !path.is_empty())
        .map(|path| {
            let plain = name(path);
            let face = faces.iter().find(|(shown, _)| *shown == plain);
            let to = face.map_or(plain, |(_, real)| (*real).to_owned());
            Edge {
                from: from.clone(),
                to,
                file: source.file.clone(),
            }
        })
        .collect();
    edges.sort();
    edges.dedup();
    edges
}

/// The first two levels. A type that a layer's own `mod.rs` shows counts as the layer.
fn name(path: &[String]) -> String {
    let is_module = |part: &String| part.chars().next().is_some_and(char::is_lowercase);
    let shown = path.len() > 1 && path[0] == "platform" && !is_module(&path[1]);
    let levels = path.iter().enumerate().take(2);
    let kept: Vec<&str> = levels
        .filter(|(level, part)| *level == 0 || shown || is_module(part))
        .map(|(_, part)| part.as_str())
        .collect();
    kept.join("::")
}

fn find(tokens: TokenStream, module: &[String], paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            find(group.stream(), module, paths);
        }
        let starts = match &tokens[at] {
            TokenTree::Ident(word) if word == "crate" => Some((Vec::new(), 1)),
            TokenTree::Ident(word) if word == "super" && !follows_colons(&tokens, at) => {
                Some(climb(&tokens, at, module))
            }
            _ => None,
        };
        if let Some((base, used)) = starts {
            if is_colons(&tokens, at + used) {
                follow(&tokens[at + used + 2..], base, paths);
            }
            at += used;
        } else {
            at += 1;
        }
    }
}

/// The module that `super::super` names, and how many tokens say so.
fn climb(tokens: &[TokenTree], mut at: usize, module: &[String]) -> (Vec<String>, usize) {
    let start = at;
    let mut base = module.to_vec();
    base.pop();
    at += 1;
    while is_colons(tokens, at)
        && matches!(tokens.get(at + 2), Some(TokenTree::Ident(w)) if w == "super")
    {
        base.pop();
        at += 3;
    }
    (base, at - start)
}

/// Adds every path of a use tree that begins at `tokens`, below `base`.
fn follow(tokens: &[TokenTree], mut base: Vec<String>, paths: &mut Vec<Vec<String>>) {
    let mut at = 0;
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => {
                base.push(word.to_string());
                if is_colons(tokens, at + 1) && base.len() < 3 {
                    at += 3;
                } else {
                    paths.push(base);
                    return;
                }
            }
            Some(TokenTree::Group(group)) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma =
                    |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
                for branch in inner.split(is_comma).filter(|branch| !branch.is_empty()) {
                    follow(branch, base.clone(), paths);
                }
                return;
            }
            _ => {
                paths.push(base);
                return;
            }
        }
    }
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    colon(tokens.get(at)) && colon(tokens.get(at + 1))
}

fn follows_colons(tokens: &[TokenTree], at: usize) -> bool {
    at >= 2 && is_colons(tokens, at - 2)
}

#[test]
fn paths_are_found_in_trees_macros_and_through_super() {
    let source = Source {
        file: "x".to_owned(),
        module: vec!["domains".to_owned(), "posts".to_owned(), "store".to_owned()],
        text: "use crate::{kernel::{Error, ids::Id}, infra::db::Conn};\n\
               fn f() { m!(crate::domains::feed::x(), super::super::comments::y); }"
            .to_owned(),
    };
    let to: Vec<String> = edges(&source, &[])
        .into_iter()
        .map(|edge| edge.to)
        .collect();
    let expected = [
        "domains::comments",
        "domains::feed",
        "infra::db",
        "kernel",
        "kernel::ids",
    ];
    assert_eq!(to, expected);
}
