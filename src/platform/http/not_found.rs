//! The answer where no route matches: 405 with `Allow` when the path answers other methods, 404
//! otherwise.

use std::sync::Arc;

use actix_web::dev::ResourceDef;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};

use super::problem::Problem;
use super::routed::path_of;
use crate::kernel::{Code, Error};

/// How many similar routes a 404 names.
const SUGGESTIONS: usize = 3;
/// Bytes of a path that is compared with those that are there.
const LONGEST: usize = 200;

/// Which paths answer which methods; made from the API's description.
#[derive(Clone)]
pub struct RouteTable {
    routes: Arc<[Route]>,
    suggest: bool,
}

struct Route {
    template: String,
    pattern: ResourceDef,
    methods: Vec<Method>,
}

impl RouteTable {
    /// `routes`: path templates (`/v1/posts/{id}`) with their methods. With `suggest`, a 404
    /// names similar routes: a help in development that nobody else should see.
    pub fn new(routes: Vec<(String, Vec<Method>)>, suggest: bool) -> Self {
        let route = |(template, methods): (String, Vec<Method>)| Route {
            pattern: ResourceDef::new(template.as_str()),
            template,
            methods,
        };
        Self {
            routes: routes.into_iter().map(route).collect(),
            suggest,
        }
    }

    /// What `Allow` says for `path`; `None` when nothing is there.
    pub(super) fn allow(&self, path: &str) -> Option<String> {
        let matching = self
            .routes
            .iter()
            .filter(|route| route.pattern.is_match(path));
        let mut methods: Vec<&str> = matching
            .flat_map(|route| route.methods.iter().map(Method::as_str))
            .collect();
        if methods.is_empty() {
            return None;
        }
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }

    /// Templates that a path may have meant. Each comparison costs the product of two lengths, so that nothing
    /// is similar to a path of a length that no route has.
    fn similar(&self, path: &str) -> Vec<&str> {
        if path.len() > LONGEST {
            return Vec::new();
        }
        let near = |route: &Route| distance(path, &filled(&route.template, path));
        let bound = path.len() / 3;
        let mut found: Vec<_> = self
            .routes
            .iter()
            .map(|route| (near(route), route))
            .collect();
        found.retain(|(distance, _)| *distance <= bound);
        found.sort_by_key(|(distance, _)| *distance);
        found
            .iter()
            .take(SUGGESTIONS)
            .map(|(_, route)| route.template.as_str())
            .collect()
    }
}

/// The default service: put it behind every route.
pub async fn not_found(req: HttpRequest) -> HttpResponse {
    answer(&req)
}

/// What to say to a request that no route takes.
pub(super) fn answer(req: &HttpRequest) -> HttpResponse {
    let table = req.app_data::<RouteTable>();
    let allow = table.and_then(|table| table.allow(path_of(req)));
    let error = match allow {
        Some(allow) if req.method() == Method::OPTIONS => {
            return HttpResponse::NoContent()
                .insert_header((header::ALLOW, allow))
                .finish();
        }
        Some(allow) => method_not_allowed(&allow),
        None => nothing_there(table, path_of(req)),
    };
    HttpResponse::from_error(Problem(error))
}

/// The refusal of a method, naming those that `allow` lists.
pub(super) fn method_not_allowed(allow: &str) -> Error {
    let detail = if allow.is_empty() {
        "This method is not allowed here.".to_owned()
    } else {
        format!("This resource answers {allow}.")
    };
    Error::new(Code::MethodNotAllowed, detail)
}

fn nothing_there(table: Option<&RouteTable>, path: &str) -> Error {
    let similar = table
        .filter(|table| table.suggest)
        .map(|table| table.similar(path));
    match similar {
        Some(similar) if !similar.is_empty() => {
            let detail = format!(
                "There is no such route. Similar ones: {}.",
                similar.join(", ")
            );
            Error::new(Code::NotFound, detail)
        }
        _ => Error::not_found(),
    }
}

/// A template with the path's own segments in place of its parameters.
fn filled(template: &str, path: &str) -> String {
    let mut given = path.split('/');
    let fill = |segment| {
        let own = given.next();
        own.filter(|own| str::starts_with(segment, '{') && !own.is_empty())
            .unwrap_or(segment)
    };
    template.split('/').map(fill).collect::<Vec<_>>().join("/")
}

/// How many letters differ between two texts (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in other.bytes().zip(row.iter().skip(1)) {
            left = (corner + usize::from(a != b)).min(left + 1).min(above + 1);
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RouteTable {
        let route = |path: &str, methods: &[Method]| (path.to_owned(), methods.to_vec());
        let routes = vec![
            route("/v1/posts/{id}", &[Method::GET, Method::DELETE]),
            route("/v1/posts", &[Method::POST]),
            route("/v1/users/{id}/friends", &[Method::GET]),
        ];
        RouteTable::new(routes, true)
    }

    #[test]
    fn allow_lists_all_that_the_path_answers() {
        assert_eq!(
            table().allow("/v1/posts/7").as_deref(),
            Some("DELETE, GET, HEAD, OPTIONS")
        );
        assert_eq!(table().allow("/v1/posts").as_deref(), Some("OPTIONS, POST"));
        assert_eq!(table().allow("/v1/post"), None);
    }

    #[test]
    fn a_wrong_path_is_told_the_nearest_routes() {
        assert_eq!(table().similar("/v1/post"), ["/v1/posts"]);
        assert_eq!(
            table().similar("/v1/users/01938b2f/freinds"),
            ["/v1/users/{id}/friends"]
        );
        assert!(table().similar("/completely/different").is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
        let long = format!("/v1/users/{}/freinds", "x".repeat(LONGEST));
        assert!(table().similar(&long).is_empty(), "it is not compared");
    }
}
