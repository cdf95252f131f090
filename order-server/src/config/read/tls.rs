//! Certificates and keys, at the door and for neighbours. They are read and judged here, so that a mistake is named with all
//! others, and before anything is bound.

use std::{path::PathBuf, sync::Arc};

use super::{Reader, neighbours::bare};
use crate::{
    config::{Purpose, Switch},
    tls::{Contents, Door, IdentityFiles, Kept, Neighbours, PemFile, Protocols, Recipe},
};

/// What may be behind a setting that is not given.
type Perhaps<T> = Option<T>;

impl Reader<'_> {
    /// TLS at the door. Only who serves has to be able to: a command beside a running server is not to fail over a certificate
    /// that is being replaced.
    pub(super) fn door(&mut self, purpose: Purpose, grpc_web: Switch) -> Option<Perhaps<Arc<Kept<Door>>>> {
        if purpose != Purpose::Serve {
            return Some(None);
        }
        let client_authorities = self.pem("TLS_CLIENT_CA_FILE");
        let protocols = if grpc_web.is_on() { Protocols::Http2AndHttp1 } else { Protocols::Http2 };
        let Some(identity) = self.pair(["TLS_CERT_FILE", "TLS_KEY_FILE"]) else {
            self.judge(client_authorities.as_ref());
            return None;
        };
        match identity {
            Some(identity) => self.kept(Door { identity, client_authorities, protocols }),
            None if client_authorities.is_some() => {
                self.judge(client_authorities.as_ref());
                self.error("TLS_CLIENT_CA_FILE", "needs TLS_CERT_FILE and TLS_KEY_FILE: without them there is no TLS")
            }
            None => Some(None),
        }
    }

    /// TLS for neighbours, where one of them is at an `https://` address or a file is given.
    pub(super) fn outward(&mut self, purpose: Purpose, addresses: &[&str]) -> Option<Perhaps<Arc<Kept<Neighbours>>>> {
        let authorities = self.pem("NEIGHBOUR_CA_FILE");
        let Some(identity) = self.pair(["NEIGHBOUR_CERT_FILE", "NEIGHBOUR_KEY_FILE"]) else {
            if purpose == Purpose::Serve {
                self.judge(authorities.as_ref());
            }
            return None;
        };
        let is_secure =
            |env: &&str| self.raw.get(env).and_then(bare).is_some_and(|uri| uri.scheme_str() == Some("https"));
        let wanted = addresses.iter().any(is_secure) || authorities.is_some() || identity.is_some();
        if wanted && purpose == Purpose::Serve { self.kept(Neighbours { identity, authorities }) } else { Some(None) }
    }

    /// Names what is wrong with authorities that nothing is made of, because what belongs to them is not there.
    fn judge(&mut self, authorities: Option<&PemFile>) {
        let mistake = authorities.and_then(|file| file.authorities(&Contents::read(&[file])).err());
        self.errors.extend(mistake.iter().map(ToString::to_string));
    }

    fn kept<R: Recipe>(&mut self, recipe: R) -> Option<Perhaps<Arc<Kept<R>>>> {
        match Kept::new(recipe) {
            Ok(kept) => Some(Some(Arc::new(kept))),
            Err(mistakes) => {
                self.errors.extend(mistakes.iter().map(ToString::to_string));
                None
            }
        }
    }

    /// A certificate and its key: both or neither.
    fn pair(&mut self, settings: [&'static str; 2]) -> Option<Perhaps<IdentityFiles>> {
        match settings.map(|setting| self.pem(setting)) {
            [Some(certificates), Some(key)] => Some(Some(IdentityFiles { certificates, key })),
            [None, None] => Some(None),
            [Some(_), None] => self.error(settings[1], format!("is needed with {}", settings[0])),
            [None, Some(_)] => self.error(settings[0], format!("is needed with {}", settings[1])),
        }
    }

    fn pem(&self, setting: &'static str) -> Perhaps<PemFile> {
        self.raw.get(setting).map(|path| PemFile { setting, path: PathBuf::from(path) })
    }
}
