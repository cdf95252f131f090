//! Where the neighbours are, and what they are allowed.

use std::{sync::Arc, time::Duration};

use http::Uri;

use super::Reader;
use crate::{
    config::{NeighboursConfig, Purpose},
    gateways::{Allowance, RemoteAddress},
    tls::{Kept, Neighbours},
};

impl Reader<'_> {
    pub(super) fn neighbours(&mut self, purpose: Purpose) -> Option<NeighboursConfig> {
        let all = ["CATALOG_URL", "INVENTORY_URL", "PAYMENT_URL", "SHIPPING_URL", "NOTIFICATION_URL"];
        let tls = self.outward(purpose, &all);
        let known = tls.clone().flatten();
        let [catalog, inventory, payment, shipping, notification] = all.map(|env| self.neighbour(env, known.as_ref()));
        let catalog_cache = self.millis("CATALOG_CACHE_MS", 0);
        // Below what a payment may take as a whole, so that the call ends before whoever waits for it.
        let timeout =
            self.bounded("NEIGHBOUR_TIMEOUT_MS", 1, 9_000).map(|millis| Duration::from_millis(u64::from(millis)));
        let concurrency =
            self.bounded("NEIGHBOUR_CONCURRENCY", 1, 10_000).and_then(|calls| usize::try_from(calls).ok());
        Some(NeighboursConfig {
            catalog: catalog?,
            catalog_cache: catalog_cache?,
            inventory: inventory?,
            payment: payment?,
            shipping: shipping?,
            notification: notification?,
            tls: tls?,
            allowance: Allowance { timeout: timeout?, concurrency: concurrency? },
        })
    }

    /// The address of a service, if one is given. It may hold nothing that would have to be hidden.
    fn neighbour(&mut self, env: &str, tls: Option<&Arc<Kept<Neighbours>>>) -> Option<Option<RemoteAddress>> {
        let Some(text) = self.raw.get(env) else { return Some(None) };
        match bare(text) {
            Some(uri) if uri.scheme_str() == Some("http") => Some(Some(RemoteAddress::Plain(uri))),
            // Where TLS cannot be had, that was said already, or nobody is going to be called.
            Some(uri) if uri.scheme_str() == Some("https") => {
                Some(tls.map(|tls| RemoteAddress::Tls(uri, Arc::clone(tls))))
            }
            _ => self.error(env, "must be https://HOST:PORT or http://HOST:PORT, with nothing behind it"),
        }
    }
}

/// An address of a host, without anything that says more than where it is.
pub(super) fn bare(text: &str) -> Option<Uri> {
    text.parse::<Uri>().ok().filter(|uri| {
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        is_bare && authority.is_some_and(|authority| !authority.host().is_empty())
    })
}
