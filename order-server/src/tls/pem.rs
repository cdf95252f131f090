//! Certificates and keys in PEM files (RFC 7468).

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rustls::{
    Error, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::{CertifiedKey, SingleCertAndKey},
};
use x509_cert::{Certificate, der::Decode as _};

use super::provider;
use crate::clock::{Clock as _, SystemClock};

/// A file is no larger: several times the bundle of all public authorities.
const BYTES_MAX: u64 = 1024 * 1024;

/// A file, and the setting that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFile {
    /// The setting.
    pub setting: &'static str,
    /// The file.
    pub path: PathBuf,
}

/// Who somebody is: a certificate, followed by those that lead to its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityFiles {
    /// The certificates.
    pub certificates: PemFile,
    /// The key, which is not encrypted.
    pub key: PemFile,
}

/// What is wrong with a file. Shown beginning with the name of the setting; nothing that is in the file is repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The setting.
    pub setting: &'static str,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.setting, self.what)
    }
}

/// What was in files at some moment, by their settings. There is a key in it, so that it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Contents(BTreeMap<&'static str, Result<Vec<u8>, Mistake>>);

impl Contents {
    /// Reads all files. One that cannot be read is a mistake for whoever asks what is in it, so that it is named beside what is wrong with
    /// the others.
    #[must_use]
    pub fn read(files: &[&PemFile]) -> Self {
        Self(files.iter().map(|file| (file.setting, file.read())).collect())
    }

    fn of(&self, file: &PemFile) -> Result<&[u8], Mistake> {
        match self.0.get(file.setting) {
            Some(read) => read.as_deref().map_err(Clone::clone),
            None => Ok(&[]),
        }
    }
}

impl PemFile {
    fn read(&self) -> Result<Vec<u8>, Mistake> {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
        match read.map(u64::try_from) {
            Ok(Ok(size)) if size <= BYTES_MAX => Ok(bytes),
            Ok(_) => Err(self.mistake(format!("is larger than {BYTES_MAX} bytes"))),
            Err(error) => Err(self.mistake(unreadable(&error))),
        }
    }

    /// All certificates in it, of which there is at least one.
    fn certificates(&self, contents: &Contents) -> Result<Vec<CertificateDer<'static>>, Mistake> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(contents.of(self)?).collect();
        match read {
            Ok(certificates) if certificates.is_empty() => Err(self.mistake("holds no certificate in PEM")),
            Ok(certificates) => Ok(certificates),
            Err(_damaged) => Err(self.mistake("holds PEM that is cut off or damaged")),
        }
    }

    /// The key in it.
    fn key(&self, contents: &Contents) -> Result<PrivateKeyDer<'static>, Mistake> {
        PrivateKeyDer::from_pem_slice(contents.of(self)?)
            .map_err(|_none| self.mistake("holds no whole private key in PEM that is not encrypted"))
    }

    /// The authorities in it.
    ///
    /// # Errors
    /// There are none, or one is no certificate.
    pub(crate) fn authorities(&self, contents: &Contents) -> Result<RootCertStore, Mistake> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates(contents)? {
            roots.add(certificate).map_err(|_unreadable| self.mistake(NO_CERTIFICATE))?;
        }
        Ok(roots)
    }

    fn mistake(&self, what: impl Into<String>) -> Mistake {
        Mistake { setting: self.setting, what: what.into() }
    }
}

const NO_CERTIFICATE: &str = "holds something that is no X.509 certificate";

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {}", error.kind())
}

/// Who somebody is, ready to be shown to others.
pub(super) struct Identity {
    pub(super) certified: Arc<SingleCertAndKey>,
    /// When the first of its certificates ends, since 1970.
    pub(super) expires: Duration,
}

impl IdentityFiles {
    /// Both files, for whoever reads them.
    pub(super) fn files(&self) -> [&PemFile; 2] {
        [&self.certificates, &self.key]
    }

    /// The identity in the files.
    ///
    /// # Errors
    /// All that is wrong with either, or that they do not belong together.
    pub(super) fn identity(&self, contents: &Contents) -> Result<Identity, Vec<Mistake>> {
        let chain = self.certificates.certificates(contents).and_then(|chain| {
            let Validity { begins, expires } =
                validity(&chain).ok_or_else(|| self.certificates.mistake(NO_CERTIFICATE))?;
            let now = Duration::from_micros(u64::try_from(SystemClock.now().micros()).unwrap_or_default());
            // Nobody who looks would believe it: the last one is better, as long as that is good.
            match () {
                () if expires <= now => Err(self.certificates.mistake("holds a certificate whose time is over")),
                () if begins > now => Err(self.certificates.mistake("holds a certificate whose time has not begun")),
                () => Ok((chain, expires)),
            }
        });
        match (chain, self.key.key(contents)) {
            (Ok((chain, expires)), Ok(key)) => {
                let certified = CertifiedKey::from_der(chain, key, &provider());
                let certified = certified.map_err(|error| vec![self.unfit(&error)])?;
                Ok(Identity { certified: Arc::new(SingleCertAndKey::from(certified)), expires })
            }
            (chain, key) => Err(chain.err().into_iter().chain(key.err()).collect()),
        }
    }

    fn unfit(&self, error: &Error) -> Mistake {
        if matches!(error, Error::InconsistentKeys(_)) {
            return self.key.mistake(format!("is not the key of the certificate in {}", self.certificates.setting));
        }
        self.key.mistake(
            "is of no kind that can be used: it must be RSA of 2048 bits or more, ECDSA P-256 or P-384, or Ed25519",
        )
    }
}

/// When all of some certificates are good, since 1970.
struct Validity {
    begins: Duration,
    expires: Duration,
}

/// `None` if one is no certificate.
fn validity(chain: &[CertificateDer<'_>]) -> Option<Validity> {
    let times = chain.iter().map(|certificate| {
        let validity = Certificate::from_der(certificate).ok()?.tbs_certificate.validity;
        Some((validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration()))
    });
    let times = times.collect::<Option<Vec<_>>>()?;
    let begins = times.iter().map(|(begins, _)| *begins).max()?;
    Some(Validity { begins, expires: times.iter().map(|(_, ends)| *ends).min()? })
}
