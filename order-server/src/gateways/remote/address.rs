//! Where a neighbour is, and what is spoken with it.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::Service;

use crate::tls::{Kept, Neighbours};

/// Where a neighbour is.
#[derive(Debug, Clone)]
pub enum RemoteAddress {
    /// At an `http://` address, in plain text.
    Plain(Uri),
    /// At an `https://` address. Its certificate must be for the host that the address names.
    Tls(Uri, Arc<Kept<Neighbours>>),
}

impl RemoteAddress {
    /// The address itself.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        match self {
            Self::Plain(uri) | Self::Tls(uri, _) => uri,
        }
    }

    /// Connects once it is needed, and again whenever the connection was lost, as `settle` says. Must be called inside the runtime.
    pub(super) fn channel(&self, settle: impl FnOnce(Endpoint) -> Endpoint) -> Channel {
        let endpoint = settle(Endpoint::from(self.uri().clone()));
        match self {
            Self::Plain(_) => endpoint.connect_lazy(),
            Self::Tls(_, tls) => endpoint.connect_with_connector_lazy(TlsConnector::new(Arc::clone(tls))),
        }
    }
}

impl fmt::Display for RemoteAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri().fmt(f)
    }
}

/// Makes connections with the certificates of that moment. tonic's own TLS would keep those of the beginning.
struct TlsConnector {
    tcp: HttpConnector,
    tls: Arc<Kept<Neighbours>>,
}

impl TlsConnector {
    fn new(tls: Arc<Kept<Neighbours>>) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Self { tcp, tls }
    }
}

impl Service<Uri> for TlsConnector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = <HttpsConnector<HttpConnector> as Service<Uri>>::Error;
    type Future = <HttpsConnector<HttpConnector> as Service<Uri>>::Future;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // There is always another connection to be had.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        HttpsConnector::from((self.tcp.clone(), self.tls.current())).call(uri)
    }
}
