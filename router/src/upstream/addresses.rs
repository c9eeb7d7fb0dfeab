//! Which addresses a provider's name may lead to: public ones, and others that the operator
//! allowed.
//!
//! Asked at every resolution, so a name that begins to lead elsewhere is refused at the next
//! connection. A name that leads to several addresses keeps those that are allowed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use futures::future::BoxFuture;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Networks that are not public and may be reached all the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Of texts such as `10.0.0.0/8`.
    pub fn parse(texts: &[String]) -> Option<Self> {
        let networks = texts.iter().map(|text| IpNet::from_str(text).ok());
        networks.collect::<Option<Vec<_>>>().map(Self)
    }

    /// Whether a provider may be at this address.
    pub fn may_hold(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.0.iter().any(|network| network.contains(&address))
    }
}

/// A name led to addresses that are not allowed, and to no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to addresses that egress.allowed_networks does not allow")]
pub(super) struct Refused;

/// Asks for the addresses of a name.
pub(super) trait Lookup: Send + Sync + 'static {
    /// All of them; the port means nothing.
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// As the machine resolves names.
#[derive(Debug, Clone, Copy)]
pub(super) struct System;

impl Lookup for System {
    fn addresses(&self, name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// The resolver of one provider's client.
#[derive(Debug)]
pub(super) struct Resolver<L> {
    lookup: L,
    allowed: Arc<Networks>,
    /// Host of the proxy, which the operator chose.
    proxy: Option<String>,
}

impl<L: Lookup> Resolver<L> {
    /// `proxy` may be anywhere.
    pub(super) fn new(lookup: L, allowed: Networks, proxy: Option<String>) -> Self {
        Self {
            lookup,
            allowed: Arc::new(allowed),
            proxy,
        }
    }
}

impl<L: Lookup> Resolve for Resolver<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let anywhere = self.proxy.as_deref() == Some(name.as_str());
        let is_localhost = name == "localhost";
        let (allowed, found) = (Arc::clone(&self.allowed), self.lookup.addresses(name));
        Box::pin(async move {
            let mut addresses = found.await?;
            addresses.retain(|address| {
                let ip = address.ip();
                anywhere || (is_localhost && ip.is_loopback()) || allowed.may_hold(ip)
            });
            if addresses.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address belongs to no network of somebody's own. One that carries an IPv4 address
/// within is what that one is.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !NOT_PUBLIC_V4.iter().any(|network| network.contains(&v4)),
        IpAddr::V6(v6) => match carried(v6) {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => !NOT_PUBLIC_V6.iter().any(|network| network.contains(&v6)),
        },
    }
}

/// The IPv4 address within: mapped, behind NAT64 (RFC 6052), or of 6to4 (RFC 3056).
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

const fn v4(a: u8, b: u8, c: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// Of the IANA special-purpose registry, what is not globally reachable, and multicast.
const NOT_PUBLIC_V4: [Ipv4Net; 14] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 3),
];

/// The same of IPv6. `fe80::/9` is link-local and the former site-local.
const NOT_PUBLIC_V6: [Ipv6Net; 8] = [
    v6(0, 0, 0, 64),
    v6(0x64, 0xff9b, 1, 48),
    v6(0x100, 0, 0, 64),
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0xfc00, 0, 0, 7),
    v6(0xfe80, 0, 0, 9),
    v6(0xff00, 0, 0, 8),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_somebodys_own_network_is_refused_however_it_is_spelled() {
        let none = Networks::default();
        for own in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "2002:c0a8:1::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!none.may_hold(own.parse().unwrap()), "{own}");
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1",
            "64:ff9b::808:808",
            "::ffff:8.8.8.8",
        ] {
            assert!(none.may_hold(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_allowed_and_nothing_beside_it() {
        let texts = ["10.1.0.0/16".to_owned(), "fd00::/8".to_owned()];
        let allowed = Networks::parse(&texts).unwrap();
        for yes in ["10.1.255.1", "::ffff:10.1.0.1", "fd00::1", "8.8.8.8"] {
            assert!(allowed.may_hold(yes.parse().unwrap()), "{yes}");
        }
        for no in ["10.2.0.1", "fc00::1", "127.0.0.1"] {
            assert!(!allowed.may_hold(no.parse().unwrap()), "{no}");
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "all", ""] {
            assert_eq!(Networks::parse(&[bad.to_owned()]), None, "{bad}");
        }
    }
}
