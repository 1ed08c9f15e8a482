//! Which addresses may be pushed to: those of the public internet.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Most characters of an endpoint.
const LONGEST: usize = 2_000;

/// What is wrong with an endpoint: a stable code, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faulty {
    /// Stable reason.
    pub code: &'static str,
    /// In words.
    pub detail: &'static str,
}

/// Checks the address of a device at its push service. `private` lets plain HTTP and private networks
/// pass, for tests.
pub fn check_endpoint(text: &str, private: bool) -> Result<Url, Faulty> {
    let fault = |code, detail| Err(Faulty { code, detail });
    if text.len() > LONGEST {
        return fault("too_long", "An endpoint has at most 2,000 characters.");
    }
    let Ok(url) = Url::parse(text) else {
        return fault("invalid_url", "This is no URL.");
    };
    if url.scheme() != "https" && !(private && url.scheme() == "http") {
        return fault("invalid_url", "An endpoint begins with https://.");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return fault(
            "invalid_url",
            "An endpoint has no user, password or fragment.",
        );
    }
    let Some(host) = url.host_str() else {
        return fault("invalid_url", "An endpoint names a host.");
    };
    if !private && url.port().is_some_and(|port| port != 443) {
        return fault("forbidden_address", "Push services answer at port 443.");
    }
    let host = host.trim_matches(['[', ']']);
    let is_private = host
        .parse::<IpAddr>()
        .is_ok_and(|address| !is_public(address))
        || host == "localhost"
        || host.ends_with(".localhost");
    if is_private && !private {
        return fault(
            "forbidden_address",
            "Push services are on the public internet, and this address is not.",
        );
    }
    Ok(url)
}

/// Whether an address is one of the public internet, and not of this machine, a private network or a
/// reserved range.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        // Shared by carriers (RFC 6598), protocol assignments, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    let segments = address.segments();
    let [first, second, ..] = segments;
    // Only 2000::/3 is given out. What tunnels or translates may lead anywhere.
    first & 0xe000 == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second == 0 || second == 0x0db8))
}

/// Resolves names to public addresses only, so that a name cannot lead into a private network,
/// whatever it led to when it was checked.
#[derive(Debug, Clone, Copy)]
pub struct PublicOnly {
    /// Whether private addresses pass, for tests.
    pub private: bool,
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found
                .filter(|found| private || is_public(found.ip()))
                .collect();
            if public.is_empty() {
                return Err(io::Error::other("the name leads to no public address").into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_pushed_to() {
        for public in ["93.184.216.34", "1.1.1.1", "2606:4700::1111"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
        ] {
            assert!(
                !is_public(private.parse().expect("an address")),
                "{private}"
            );
        }
    }

    #[test]
    fn an_endpoint_is_a_plain_https_url_to_a_public_host() {
        assert!(check_endpoint("https://push.example.org/a/b?c=d", false).is_ok());
        for (bad, code) in [
            ("http://push.example.org/a", "invalid_url"),
            ("ftp://push.example.org/a", "invalid_url"),
            ("push.example.org", "invalid_url"),
            ("https://me@push.example.org/", "invalid_url"),
            ("https://push.example.org/#x", "invalid_url"),
            ("https://127.0.0.1/", "forbidden_address"),
            ("https://2130706433/", "forbidden_address"),
            ("https://0x7f.1/", "forbidden_address"),
            ("https://[::1]/", "forbidden_address"),
            ("https://localhost/", "forbidden_address"),
            ("https://169.254.169.254/latest", "forbidden_address"),
            ("https://push.example.org:22/", "forbidden_address"),
        ] {
            assert_eq!(
                check_endpoint(bad, false).map_err(|fault| fault.code),
                Err(code),
                "{bad}"
            );
        }
        assert!(check_endpoint("http://127.0.0.1:80/", true).is_ok());
        let long = format!("https://push.example.org/{}", "a".repeat(2_000));
        assert_eq!(
            check_endpoint(&long, false).map_err(|fault| fault.code),
            Err("too_long")
        );
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_is_not_resolved() {
        let name = || "localhost".parse::<Name>().expect("a name");
        assert!(PublicOnly { private: false }.resolve(name()).await.is_err());
        assert!(PublicOnly { private: true }.resolve(name()).await.is_ok());
    }
}
