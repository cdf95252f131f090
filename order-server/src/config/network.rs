//! Networks of addresses.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

/// Addresses that begin alike: `10.0.0.0/8`, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// The first address.
    first: IpAddr,
    /// How many bits of it all of them share.
    bits: u32,
}

impl Network {
    /// Whether this address is one of them. An IPv4 address is the same one where it is written as IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                u64::from(first.to_bits() ^ address.to_bits()) >> (32 - self.bits) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).checked_shr(128 - self.bits).unwrap_or_default() == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = ();

    /// Reads `ADDRESS` or `ADDRESS/BITS`. Bits of the address behind those are not allowed: whoever wrote them meant
    /// something else.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let first: IpAddr = address.parse().map_err(|_no_address| ())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_no_number| ())?;
        if bits > most {
            return Err(());
        }
        let behind = match first {
            IpAddr::V4(first) => u128::from(first.to_bits()) & ((1 << (32 - bits)) - 1),
            IpAddr::V6(first) => first.to_bits() & !u128::MAX.checked_shl(128 - bits).unwrap_or_default(),
        };
        if behind == 0 { Ok(Self { first, bits }) } else { Err(()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_single = self.bits == if self.first.is_ipv4() { 32 } else { 128 };
        if is_single { write!(f, "{}", self.first) } else { write!(f, "{}/{}", self.first, self.bits) }
    }
}

/// Some networks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(Arc<[Network]>);

impl Networks {
    /// Whether the address is in one of them.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromStr for Networks {
    type Err = ();

    /// Reads networks with commas between.
    fn from_str(text: &str) -> Result<Self, ()> {
        text.split(',').map(|part| part.trim().parse()).collect::<Result<_, ()>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(","))
    }
}

/// The address that somebody is counted by: of IPv6 the network of 64 bits, for whoever has one address has all of them.
#[must_use]
pub fn home(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_what_begins_like_it() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
            ("2001:db8::/32", "2001:db8:1::9", "2001:db9::"),
            ("::/0", "2001:db8::1", "127.0.0.1"),
            ("::1", "::1", "::2"),
        ] {
            assert!(contains(network, inside) && !contains(network, outside), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_and_what_is_one_is_shown_as_it_was_written() {
        for wrong in ["", "10.0.0.0/33", "10.0.0.1/8", "::1/64", "::/129", "10.0.0.0/", "10.0.0.0/-1", "proxy"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let all: Networks = "10.0.0.0/8, ::1,fd00::/8".parse().unwrap();
        assert_eq!(all.to_string(), "10.0.0.0/8,::1,fd00::/8");
        assert!(all.contain("fd12::1".parse().unwrap()) && !all.contain("9.0.0.1".parse().unwrap()));
        assert!("10.0.0.0/8,".parse::<Networks>().is_err());
    }

    #[test]
    fn a_home_has_one_address_whatever_its_guests_use() {
        let of = |text: &str| home(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }
}
