//! Origins, by which browsers name the pages that call the API.

use super::problem::Fault;

/// Reads an origin: scheme, host and perhaps a port, and a slash that may end it. The shells of apps have
/// schemes of their own. Browsers send it in lower case.
pub fn origin(text: &str) -> Result<String, Fault> {
    let refused = |what: &str| {
        let fix = "Write it as `https://example.org`, `http://localhost:3000` or `capacitor://localhost`.";
        Err(Fault::new(what, fix))
    };
    if text.contains('*') {
        let what = "has a `*`, which would let pages of strangers act for whoever is signed in";
        return refused(what);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return refused("has something that does not begin with a scheme");
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        return refused("has something with a path, and browsers send none");
    }
    if !is_scheme(scheme) || !is_host(rest) {
        return refused("has something that is no scheme with a host");
    }
    Ok(format!("{scheme}://{rest}").to_lowercase())
}

fn is_scheme(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    begins
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Whether it is a name or an address, with a port or without.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        // The colons of an address of IPv6 stand in brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_address = |inner: &str| inner.parse::<std::net::Ipv6Addr>().is_ok();
    let bracketed = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_named = !host.is_empty() && host.chars().all(fits);
    (is_named || bracketed.is_some_and(is_address))
        && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// The origin of a site's URL.
pub fn origin_of(site: &str) -> String {
    site.split('/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host_without_a_path_and_never_a_wildcard() {
        assert_eq!(
            origin("https://Example.org/"),
            Ok("https://example.org".into())
        );
        assert_eq!(
            origin("http://localhost:3000"),
            Ok("http://localhost:3000".into())
        );
        for good in [
            "capacitor://localhost",
            "tauri://localhost",
            "http://localhost",
            "http://[::1]:3000",
        ] {
            assert_eq!(origin(good), Ok(good.into()));
        }
        for (bad, why) in [
            ("*", "strangers"),
            ("https://*.example.org", "strangers"),
            ("https://example.org/app", "a path"),
            ("example.org", "a scheme"),
            ("null", "a scheme"),
            ("https://", "a host"),
            ("https://me@example.org", "a host"),
            ("https://example.org:port", "a host"),
            ("1http://example.org", "a host"),
        ] {
            let fault = origin(bad).expect_err(bad);
            assert!(fault.what.contains(why), "{bad}: {}", fault.what);
        }
        assert_eq!(
            origin_of("https://example.org/app/x"),
            "https://example.org"
        );
    }
}
