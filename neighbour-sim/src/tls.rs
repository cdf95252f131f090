//! TLS. tonic's own is not switched on: it would change what the order service's client is, which is tested beside it.

use std::{io, sync::Arc};

use hyper::server::conn::http2;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::service::Routes;

/// How TLS is spoken. All in PEM.
#[derive(Clone)]
pub struct Tls {
    /// The certificate, and those that lead to its authority.
    pub certificates: String,
    /// Its key.
    pub key: String,
    /// Only clients with a certificate of these are served.
    pub client_authorities: Option<String>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    pub(crate) fn config(&self) -> io::Result<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).map_err(io::Error::other)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = match &self.client_authorities {
            Some(authorities) => builder.with_client_cert_verifier(verifier(authorities)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(parsed(&self.certificates)?, key).map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn verifier(authorities: &str) -> io::Result<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in parsed(authorities)? {
        roots.add(certificate).map_err(io::Error::other)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map(|verifier| verifier as _)
        .map_err(io::Error::other)
}

fn parsed(pem: &str) -> io::Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(io::Error::other)
}

/// Serves whoever gets through the handshake, each on their own.
pub(crate) async fn serve(listener: TcpListener, config: Arc<ServerConfig>, routes: Routes) {
    let (acceptor, service) = (TlsAcceptor::from(config), TowerToHyperService::new(routes.prepare()));
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, service) = (acceptor.clone(), service.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let connection = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
            // However it ends, the client knows as much.
            drop(connection.await);
        });
    }
}
