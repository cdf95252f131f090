//! What `serve` prints in development: where the server is, two tokens, and calls to paste.

use std::{net::SocketAddr, time::Duration};

use crate::auth::{
    Role,
    verify::{Subject, Tokens},
};

/// Tokens of the greeting are good for a day's work.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// The greeting.
pub(super) fn text(grpc: SocketAddr, ops: SocketAddr, tokens: &Tokens) -> String {
    let customer = tokens.issue(&subject("42", Role::Customer));
    let admin = tokens.issue(&subject("1", Role::Admin));
    format!(
        "\
gRPC on {grpc}, metrics and health on http://{ops}

  export CUSTOMER={customer}
  export ADMIN={admin}

  grpcurl -plaintext {grpc} list
  grpcurl -plaintext -H \"authorization: Bearer $ADMIN\" {grpc} orders.v1.AdminService/ListProducts
  grpcurl -plaintext -H \"authorization: Bearer $CUSTOMER\" {grpc} orders.v1.CartService/GetCart

Both tokens are good for a day; `order-server token --sub 42 --role admin` makes more.
"
    )
}

fn subject(id: &str, role: Role) -> Subject {
    Subject { id: id.to_owned(), role, email: None, name: None, ttl: TTL }
}
