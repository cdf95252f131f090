//! What `serve` prints in development: where the server is, two tokens, and calls to paste.

use std::{net::SocketAddr, time::Duration};

use crate::auth::{
    Role,
    verify::{Subject, Tokens},
};

/// Tokens of the greeting are good for a day's work.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// Where the server is.
pub(super) struct Place {
    pub(super) grpc: SocketAddr,
    pub(super) ops: SocketAddr,
    /// How grpcurl is told what the API speaks.
    pub(super) option: &'static str,
}

/// The greeting; without tokens where others make them.
pub(super) fn text(place: &Place, tokens: &Tokens) -> String {
    let Place { grpc, ops, option } = place;
    let begin = format!("gRPC on {grpc}, metrics and health on http://{ops}\n");
    let made = [("42", Role::Customer), ("1", Role::Admin)].map(|(id, role)| tokens.issue(&subject(id, role)));
    let [Some(customer), Some(admin)] = made else { return begin };
    format!(
        "\
{begin}
  export CUSTOMER={customer}
  export ADMIN={admin}

  grpcurl {option} {grpc} list
  grpcurl {option} -H \"authorization: Bearer $ADMIN\" {grpc} orders.v1.AdminService/ListProducts
  grpcurl {option} -H \"authorization: Bearer $CUSTOMER\" {grpc} orders.v1.CartService/GetCart

Both tokens are good for a day; `order-server token --sub 42 --role admin` makes more.
"
    )
}

fn subject(id: &str, role: Role) -> Subject {
    Subject { id: id.to_owned(), role, email: None, name: None, ttl: TTL }
}
