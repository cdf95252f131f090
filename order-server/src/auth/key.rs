//! The key that signs and verifies tokens.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::config::Secret;

/// Bytes of a generated key: twice the minimum of HS256.
const GENERATED_BYTES: usize = 64;

/// A key that could not be read or made. Shows the file, not its content.
#[derive(Debug, thiserror::Error)]
#[error("the signing key {path} cannot be {action}: {source}")]
pub struct KeyError {
    path: String,
    action: &'static str,
    source: io::Error,
}

/// Gets the generated key, which is made now if it does not exist.
///
/// # Errors
/// The file cannot be read or made, or holds less than a key.
pub fn load(path: &Path) -> Result<Secret, KeyError> {
    generate(path).map_err(|source| failure(path, "made", source))?;
    let text = fs::read_to_string(path).map_err(|source| failure(path, "read", source))?;
    let text = text.trim_end();
    if text.len() < GENERATED_BYTES {
        let short = io::Error::new(io::ErrorKind::InvalidData, "it is too short; delete the file to get a new one");
        return Err(failure(path, "used", short));
    }
    Ok(Secret::new(text.to_owned()))
}

fn failure(path: &Path, action: &'static str, source: io::Error) -> KeyError {
    KeyError { path: path.display().to_string(), action, source }
}

/// Writes a fresh key unless there is one. It appears under its name complete or not at all, so that two processes that
/// start together agree on one key.
fn generate(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut bytes = [0_u8; GENERATED_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(URL_SAFE_NO_PAD.encode(bytes).as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_generated_key_is_kept_and_only_its_owner_can_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("nested/jwt.key");
        let key = load(&path).unwrap();
        assert!(key.expose().len() >= GENERATED_BYTES);
        assert_eq!(load(&path).unwrap(), key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_truncated_key_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwt.key");
        fs::write(&path, "short").unwrap();
        let error = load(&path).unwrap_err().to_string();
        assert!(error.contains("too short"), "{error}");
    }
}
