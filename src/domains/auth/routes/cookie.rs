//! The refresh token in a cookie, for web pages that must not hold it themselves.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{ORIGIN, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};

use crate::kernel::{Code, Error, Result};
use crate::platform::Ctx;
use crate::platform::http::no_content;
use crate::platform::sessions::IDLE;

/// `__Host-` makes browsers refuse it without `Secure`, with a domain, or for another path.
const NAME: &str = "__Host-kith_refresh";

/// The cookie that holds `token`, for as long as an unused session lives.
pub fn holding(token: String) -> Cookie<'static> {
    build(token, Duration::seconds(IDLE.num_seconds()))
}

/// Sets a cookie on an answer that is made already.
pub fn put(response: &mut HttpResponse, cookie: &Cookie<'static>) {
    if let Ok(value) = cookie.to_string().parse() {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

/// 204, and browsers forget the token.
pub fn forgotten() -> HttpResponse {
    let mut response = no_content();
    put(&mut response, &build(String::new(), Duration::ZERO));
    response
}

fn build(value: String, age: Duration) -> Cookie<'static> {
    Cookie::build(NAME, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(age)
        .finish()
}

/// The refresh token that the request brings as a cookie. Since browsers send cookies for any page,
/// the page has to be one of ours.
pub fn read(ctx: &Ctx, request: &HttpRequest) -> Result<Option<String>> {
    let Some(cookie) = request.cookie(NAME) else {
        return Ok(None);
    };
    let origin = request
        .headers()
        .get(ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    let own = [origin_of(ctx.public_url())];
    let mut ours = ctx.config().allowed_origins.iter().map(String::as_str);
    let mut ours = ours
        .by_ref()
        .chain(own)
        .map(|url| url.trim_end_matches('/'));
    if origin.is_some_and(|origin| ours.any(|our| our.eq_ignore_ascii_case(origin))) {
        return Ok(Some(cookie.value().to_owned()));
    }
    Err(Error::new(
        Code::Forbidden,
        "With the refresh token in a cookie, the Origin header must name an allowed origin.",
    ))
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(host..).and_then(|rest| rest.find('/'));
    end.and_then(|end| url.get(..host + end)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::{holding, origin_of};

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(
            origin_of("https://example.org/kith/api"),
            "https://example.org"
        );
        assert_eq!(origin_of("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
    }

    #[test]
    fn no_script_and_no_other_site_gets_the_cookie() {
        let cookie = holding("secret".to_owned()).to_string();
        for part in [
            "__Host-kith_refresh=secret",
            "HttpOnly",
            "Secure",
            "SameSite=Strict",
            "Path=/",
        ] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}
