//! IP networks, by which proxies are named.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses, as `10.0.0.0/8`. A lone address is the range of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The part before the slash is no address.
    #[error("has an address that can't be read")]
    Address,
    /// The part after the slash is no number, or too large a one.
    #[error("has a prefix length that is too large or no number")]
    Prefix,
    /// The address lies inside the network instead of at its beginning.
    #[error("has an address with bits set after its prefix")]
    HostBits,
}

impl Network {
    /// Whether `address` lies in the range. An IPv4 address written as IPv6 counts as IPv4, since
    /// sockets that listen on both kinds report it so.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => ours == masked_v4(theirs, self.prefix),
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => ours == masked_v6(theirs, self.prefix),
            _ => false,
        }
    }

    /// Whether the range holds every address of its kind.
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

fn masked_v4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn masked_v6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_not_ip| NetworkError::Address)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) => digits.parse().map_err(|_not_u8| NetworkError::Prefix)?,
            None => longest,
        };
        if prefix > longest {
            return Err(NetworkError::Prefix);
        }
        let beginning = match address {
            IpAddr::V4(v4) => IpAddr::V4(masked_v4(v4, prefix)),
            IpAddr::V6(v6) => IpAddr::V6(masked_v6(v6, prefix)),
        };
        if beginning != address {
            return Err(NetworkError::HostBits);
        }
        // Kept as `contains` compares: IPv4 written as IPv6 is IPv4.
        let canonical = address.to_canonical();
        let prefix = if canonical == address {
            prefix
        } else {
            prefix.saturating_sub(96)
        };
        Ok(Self {
            address: canonical,
            prefix,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        let network: Network = network.parse().expect("a network");
        network.contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_prefix() {
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(!contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("192.168.1.4", "192.168.1.4"));
        assert!(!contains("192.168.1.4", "192.168.1.5"));
        assert!(contains("172.16.0.0/12", "172.31.255.255"));
        assert!(!contains("172.16.0.0/12", "172.32.0.0"));
        assert!(contains("2001:db8::/32", "2001:db8:1::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "8.8.8.8"));
        assert!(!contains("0.0.0.0/0", "::1"));
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_is_an_ipv4_address() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(!contains("::ffff:10.0.0.0/104", "11.1.2.3"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        let parse = str::parse::<Network>;
        assert_eq!(parse("10.0.0.0/33"), Err(NetworkError::Prefix));
        assert_eq!(parse("10.0.0.0/-1"), Err(NetworkError::Prefix));
        assert_eq!(parse("10.0.0.1/8"), Err(NetworkError::HostBits));
        assert_eq!(parse("proxy.example.org"), Err(NetworkError::Address));
    }
}
