//! A request as the router reads it.
//!
//! The router decodes paths: `/v1/%70osts` is `/v1/posts` to it. Whoever decides about a request before it is
//! routed, and asks for `request.path()` or its pattern, decides about another resource.

use actix_web::HttpRequest;

/// The path, decoded.
pub fn path_of(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

/// The template of the route that will take the request, or has taken it.
pub fn template_of(request: &HttpRequest) -> Option<String> {
    request.resource_map().match_pattern(path_of(request))
}
