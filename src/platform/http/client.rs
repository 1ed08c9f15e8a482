//! Where a request comes from. `X-Forwarded-For` counts only as far as trusted proxies wrote it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

const AGENT_MAX: usize = 300;

/// Tells whether an address is a proxy of ours.
#[derive(Clone)]
pub struct TrustedProxies(pub Arc<dyn Fn(IpAddr) -> bool + Send + Sync>);

impl TrustedProxies {
    /// No proxy: the peer is the client.
    pub fn none() -> Self {
        Self(Arc::new(|_| false))
    }
}

/// The client's address and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAddress {
    /// The address that rate limits and sessions go by.
    pub address: IpAddr,
    /// The `User-Agent`, cut to 300 characters.
    pub user_agent: Option<String>,
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let agent = req
            .headers()
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        ready(Ok(Self {
            address: address_of(req),
            user_agent: agent.map(|agent| agent.chars().take(AGENT_MAX).collect()),
        }))
    }
}

/// The client's address.
pub(super) fn address_of(req: &HttpRequest) -> IpAddr {
    // There is no peer address only where no network is: in tests without a socket.
    let peer = req
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.ip());
    let hops = req.headers().get_all("x-forwarded-for");
    let hops: Vec<&str> = hops
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .collect();
    let address = match req.app_data::<TrustedProxies>() {
        Some(proxies) => client_of(peer, &hops, &*proxies.0),
        None => peer.to_canonical(),
    };
    if !hops.is_empty() && address == peer.to_canonical() && is_inside(address) {
        warn_once(address);
    }
    address
}

/// Whether an address is one that the public network does not reach: so are proxies, as a rule.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

/// Says that all who come by a proxy count as one, which nobody would look for in refusals.
fn warn_once(peer: IpAddr) {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::warn!(
            %peer,
            "a proxy that is not trusted sends X-Forwarded-For: everybody who comes by it shares its \
             address and limits. Name it in KITH_TRUSTED_PROXIES"
        );
    });
}

/// Walks from the peer back through the hops, the last one first, as long as a trusted proxy
/// vouches for the next; the first address that is not a proxy's is the client's.
fn client_of(peer: IpAddr, hops: &[&str], trusted: &dyn Fn(IpAddr) -> bool) -> IpAddr {
    let mut address = peer.to_canonical();
    for hop in hops.iter().rev() {
        if !trusted(address) {
            break;
        }
        match parse(hop.trim()) {
            Some(next) => address = next.to_canonical(),
            None => break,
        }
    }
    address
}

/// An address as proxies write it, some with a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let with_port = || hop.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, hops: &[&str]) -> String {
        let trusted = |address: IpAddr| address.to_string().starts_with("10.");
        client_of(peer.parse().expect("an address"), hops, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(client("203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1", &["1.1.1.1", "203.0.113.9", "10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(client("10.0.0.1", &["1.1.1.1", "nonsense"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn addresses_are_read_in_all_their_spellings() {
        assert_eq!(
            client("::ffff:10.0.0.1", &["[2001:db8::1]:4711"]),
            "2001:db8::1"
        );
        assert_eq!(client("10.0.0.1", &[" 203.0.113.9:80 "]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["[2001:db8::2]"]), "2001:db8::2");
    }
}
