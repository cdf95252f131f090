//! TLS, at the door and towards neighbours.
//!
//! Certificates and keys are in files, which others replace while the process runs. A [`Recipe`] says which files they are and
//! what is made of them; [`Kept`] makes it before anything is bound, and again whenever the files have changed. Whoever accepts
//! or opens a connection takes what is current at that moment, and connections that are open are left alone.

mod client;
mod kept;
mod pem;
mod server;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};

pub(crate) use self::client::of_the_system;
pub use self::{
    client::Neighbours,
    kept::{Kept, Made, Recipe},
    pem::{Contents, IdentityFiles, Mistake, PemFile},
    server::{Door, Protocols},
};

/// The cryptography of all sides: TLS 1.2 and 1.3, and of 1.2 only what is still thought well of.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Why a configuration cannot fail over its versions.
const VERSIONS: &str = "ring knows TLS 1.2 and 1.3";
