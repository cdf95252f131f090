//! Who is counted.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use sha2::{Digest as _, Sha256};
use tonic::transport::server::TcpConnectInfo;

use crate::{
    auth::access::Class,
    config::{Networks, home},
    layers::Request,
};

/// Where a call came from, as those say who passed it on: each appends the address that it was called from.
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whose calls are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Caller {
    /// A customer, by id.
    Customer(String),
    /// All guests of one address.
    Guest(Option<IpAddr>),
    /// All guests who come when too many are remembered.
    Newcomer,
}

impl Caller {
    /// Whoever calls without a token.
    pub(super) fn guest(request: &Request, trusted: &Networks) -> Self {
        let peer = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr);
        let address = peer.map(|peer| origin(peer.ip(), request.headers(), trusted));
        Self::Guest(address.map(home))
    }

    /// The name of this caller's allowance where all processes count. Whoever reads it there cannot read an id, which may be an
    /// e-mail address, or an address off it; whoever tries all of them finds it.
    pub(super) fn key(&self, class: Class) -> String {
        let named = match self {
            Self::Customer(id) => format!("customer {id}"),
            Self::Guest(Some(address)) => format!("guest {address}"),
            Self::Guest(None) => "guest".to_owned(),
            Self::Newcomer => "newcomer".to_owned(),
        };
        let digest = Sha256::digest(named);
        let digits: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("order-server:rate:{}:{digits}", class.as_str())
    }
}

/// The address that a call comes from. Only those whom we trust are believed when they say whom they call for, and what
/// somebody else had said to them before is not: the last address that is no trusted one is the caller.
fn origin(peer: IpAddr, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
    let mut origin = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    for said in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
        let Some(address) = address(said.trim()).filter(|_| trusted.contain(origin)) else { break };
        origin = address;
    }
    origin
}

/// Reads an address; some proxies write the port behind it.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse().or_else(|_no_address| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        origin(peer.parse().unwrap(), &headers, &"10.0.0.0/8,fd00::/8".parse().unwrap()).to_string()
    }

    #[test]
    fn whoever_is_not_trusted_calls_for_itself() {
        assert_eq!(from("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(from("203.0.113.9", &["10.0.0.1, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(from("203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn the_last_address_that_is_not_trusted_is_the_caller() {
        assert_eq!(from("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.9.9.9"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.9.9.9"]), "198.51.100.1");
        assert_eq!(from("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(from("10.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(from("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
    }

    #[test]
    fn what_makes_no_sense_ends_the_search_at_whoever_passed_it_on() {
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1, unknown"]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(from("10.0.0.1", &["10.0.0.3,10.0.0.2"]), "10.0.0.3");
        assert_eq!(from("10.0.0.1", &["198.51.100.1,"]), "10.0.0.1");
    }

    #[test]
    fn a_key_names_the_class_and_nobody() {
        let key = Caller::Customer("ada@example.com".into()).key(Class::Write);
        assert!(key.starts_with("order-server:rate:write:") && key.len() == 24 + 32, "{key}");
        assert!(!key.contains("ada") && !key.contains("example"));
        let all = [
            Caller::Customer("1".into()).key(Class::Read),
            Caller::Customer("2".into()).key(Class::Read),
            Caller::Customer("1".into()).key(Class::Search),
            Caller::Guest(Some([192, 0, 2, 1].into())).key(Class::Read),
        ];
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }
}
