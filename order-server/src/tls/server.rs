//! TLS at the door.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{Contents, IdentityFiles, Made, Mistake, PemFile, Recipe, VERSIONS, provider};

/// What is spoken inside TLS, which the handshake agrees on (ALPN, RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/2 alone, as gRPC wants it.
    Http2,
    /// HTTP/1.1 too, for gRPC-Web.
    Http2AndHttp1,
}

impl Protocols {
    fn names(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http2 => vec![b"h2".to_vec()],
            Self::Http2AndHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// How the public port speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Who we are.
    pub identity: IdentityFiles,
    /// Only clients with a certificate of these authorities are let in; `None` lets in everybody.
    pub client_authorities: Option<PemFile>,
    /// What is spoken inside.
    pub protocols: Protocols,
}

impl Door {
    /// Judges clients, where they have to show who they are. Revocation is not looked at: whoever must be kept out sooner than
    /// certificates end gets an authority of its own.
    fn verifier(&self, contents: &Contents) -> Result<Option<Arc<dyn ClientCertVerifier>>, Mistake> {
        let Some(file) = &self.client_authorities else { return Ok(None) };
        let roots = Arc::new(file.authorities(contents)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
        Ok(Some(verifier.expect("there is an authority, and no list of what is revoked that could be wrong")))
    }
}

impl Recipe for Door {
    type Product = ServerConfig;

    const SIDE: &'static str = "door";

    fn files(&self) -> Vec<&PemFile> {
        self.identity.files().into_iter().chain(&self.client_authorities).collect()
    }

    fn make(&self, contents: &Contents) -> Result<Made<ServerConfig>, Vec<Mistake>> {
        let (identity, verifier) = match (self.identity.identity(contents), self.verifier(contents)) {
            (Ok(identity), Ok(verifier)) => (identity, verifier),
            (identity, verifier) => {
                return Err(identity.err().into_iter().flatten().chain(verifier.err()).collect());
            }
        };
        let builder =
            ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().expect(VERSIONS);
        let builder = match verifier {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut product = builder.with_cert_resolver(identity.certified);
        product.alpn_protocols = self.protocols.names();
        if self.client_authorities.is_some() {
            // A session that is taken up again brings the certificate that was judged when it began, which may have ended since.
            product.session_storage = Arc::new(NoServerSessionStorage {});
            product.send_tls13_tickets = 0;
        }
        Ok(Made { product, expires: Some(identity.expires) })
    }
}
