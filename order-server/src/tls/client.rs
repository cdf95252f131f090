//! TLS towards others.

use std::{sync::Arc, time::Duration};

use rustls::{ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert};

use super::{Contents, IdentityFiles, Made, Mistake, PemFile, Recipe, VERSIONS, provider};

/// How neighbours at `https://` addresses are spoken to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// Who we are, for those who ask.
    pub identity: Option<IdentityFiles>,
    /// Whose certificates are believed; `None` means those whom the system trusts.
    pub authorities: Option<PemFile>,
}

impl Neighbours {
    fn roots(&self, contents: &Contents) -> Result<RootCertStore, Mistake> {
        match &self.authorities {
            Some(file) => file.authorities(contents),
            None => Some(system_roots()).filter(|roots| !roots.is_empty()).ok_or_else(|| Mistake {
                setting: "NEIGHBOUR_CA_FILE",
                what: "is needed: this system trusts no authorities of its own".to_owned(),
            }),
        }
    }
}

impl Recipe for Neighbours {
    type Product = ClientConfig;

    const SIDE: &'static str = "neighbours";

    fn files(&self) -> Vec<&PemFile> {
        self.identity.iter().flat_map(IdentityFiles::files).chain(&self.authorities).collect()
    }

    fn make(&self, contents: &Contents) -> Result<Made<ClientConfig>, Vec<Mistake>> {
        let identity = self.identity.as_ref().map(|files| files.identity(contents)).transpose();
        let (identity, roots) = match (identity, self.roots(contents)) {
            (Ok(identity), Ok(roots)) => (identity, roots),
            (identity, roots) => return Err(identity.err().into_iter().flatten().chain(roots.err()).collect()),
        };
        let expires: Option<Duration> = identity.as_ref().map(|identity| identity.expires);
        let mut product = match identity {
            Some(identity) => believing(roots).with_client_cert_resolver(identity.certified),
            None => believing(roots).with_no_client_auth(),
        };
        product.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Made { product, expires })
    }
}

/// For calls to strangers: whom the system trusts is believed, and nobody is told who we are. Where the system trusts nobody,
/// nobody can be reached, and every try says so.
pub(crate) fn of_the_system() -> ClientConfig {
    believing(system_roots()).with_no_client_auth()
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn believing(roots: RootCertStore) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect(VERSIONS)
        .with_root_certificates(Arc::new(roots))
}
