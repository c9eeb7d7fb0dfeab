//! Source networks of a token, as CIDR.

use std::net::IpAddr;
use std::str::FromStr;

/// A network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

/// Not a network. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be CIDR such as 192.0.2.0/24 or 2001:db8::/32, without bits after the prefix")]
pub(crate) struct InvalidNetwork;

impl Network {
    /// Whether an address is in it. An IPv4 address in IPv6 form counts as IPv4.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                prefix(u32::from(net).into(), 32, self.bits)
                    == prefix(u32::from(address).into(), 32, self.bits)
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                prefix(net.into(), 128, self.bits) == prefix(address.into(), 128, self.bits)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The leading bits of a number that is `width` bits wide.
fn prefix(number: u128, width: u8, bits: u8) -> u128 {
    number
        .checked_shr(u32::from(width.saturating_sub(bits)))
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = text.split_once('/').ok_or(InvalidNetwork)?;
        let address: IpAddr = address.parse().map_err(|_form| InvalidNetwork)?;
        if bits.is_empty() || bits.len() > 3 || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidNetwork);
        }
        let bits: u8 = bits.parse().map_err(|_form| InvalidNetwork)?;
        let (number, width) = match address {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32_u8),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        let rest = width.checked_sub(bits).ok_or(InvalidNetwork)?;
        let host_bits = 1_u128
            .checked_shl(rest.into())
            .map_or(number, |above| number & (above - 1));
        if host_bits == 0 {
            Ok(Self { address, bits })
        } else {
            Err(InvalidNetwork)
        }
    }
}

/// Whether an address may use a token: a token without networks may be used from everywhere, one
/// with networks never from an unknown address.
pub(crate) fn allow(networks: &[String], address: Option<IpAddr>) -> bool {
    networks.is_empty()
        || address.is_some_and(|address| {
            networks
                .iter()
                .filter_map(|network| network.parse::<Network>().ok())
                .any(|network| network.contains(address))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_and_no_other() {
        for (network, inside, outside) in [
            ("192.0.2.0/24", "192.0.2.255", "192.0.3.0"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("::/0", "ffff::", "127.0.0.1"),
            ("::1/128", "::1", "::2"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{inside}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn a_text_that_is_not_exactly_a_network_is_refused() {
        for text in [
            "",
            "10.0.0.0",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::/129",
            "::/+1",
            "a/8",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text}");
        }
    }

    #[test]
    fn an_unknown_address_is_in_no_network() {
        assert!(allow(&[], None));
        assert!(!allow(&["0.0.0.0/0".to_owned()], None));
    }
}
