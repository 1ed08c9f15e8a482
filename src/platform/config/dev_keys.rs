//! The keys of the dev profile: made once, so that tokens and cursors outlive a restart without
//! anyone having to think of keys.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;

use super::keys::{JwtKeys, SecretKey};
use super::problem::Fault;
use crate::kernel::IdFactory;

/// Keys that nobody had to think of.
pub(super) struct DevKeys {
    pub(super) jwt_keys: JwtKeys,
    pub(super) secret_key: SecretKey,
}

/// What is in the file: the texts of both settings, as they would be given.
#[derive(Deserialize)]
struct Kept {
    kith_jwt_keys: String,
    kith_secret_key: String,
}

impl DevKeys {
    /// New keys, kept nowhere.
    pub(super) fn make(ids: &IdFactory) -> Self {
        let secret = || SecretString::from(URL_SAFE_NO_PAD.encode(ids.bytes::<32>()));
        Self {
            jwt_keys: JwtKeys::only("dev", secret()),
            secret_key: SecretKey::only(secret()),
        }
    }

    /// The keys kept at `path`, which are made now if there are none.
    pub(super) fn open(path: &Path, ids: &IdFactory) -> Result<Self, Fault> {
        let unusable = |error: std::io::Error| unusable(path, &error.to_string());
        match std::fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                write_new(path, &Self::make(ids)).map_err(unusable)?;
                // Another process may have been first: what is in the file counts.
                let text = std::fs::read_to_string(path).map_err(unusable)?;
                Self::parse(path, &text)
            }
            Err(error) => Err(unusable(error)),
            Ok(text) => {
                close_to_others(path).map_err(unusable)?;
                Self::parse(path, &text)
            }
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Fault> {
        let no_keys = || unusable(path, "it holds no keys");
        let kept: Kept = toml::from_str(text).map_err(|_may_hold_a_secret| no_keys())?;
        Ok(Self {
            jwt_keys: JwtKeys::parse(&kept.kith_jwt_keys).map_err(|_fault| no_keys())?,
            secret_key: SecretKey::parse(&kept.kith_secret_key).map_err(|_fault| no_keys())?,
        })
    }
}

/// Writes the file whole or not at all, readable by its owner only, and leaves one that appeared
/// meanwhile as it is.
fn write_new(path: &Path, keys: &DevKeys) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o600))
        .tempfile_in(dir)?;
    writeln!(
        file,
        "# Made by kith for the dev profile. Without this file all sign-ins end."
    )?;
    writeln!(file, "kith_jwt_keys = \"{}\"", keys.jwt_keys.expose())?;
    writeln!(file, "kith_secret_key = \"{}\"", keys.secret_key.expose())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn close_to_others(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.permissions().mode();
    let for_others = mode & 0o077;
    if for_others == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

fn unusable(path: &Path, why: &str) -> Fault {
    let what = format!("is not set, and {} can't be used ({why})", path.display());
    Fault::new(
        what,
        "Set it, or remove that file and let kith write there.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_only_their_owner_can_read_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("state/keys");
        let ids = IdFactory::seeded(1);
        let first = DevKeys::open(&path, &ids).expect("made");
        let second = DevKeys::open(&path, &ids).expect("kept");
        assert_eq!(first.jwt_keys.expose(), second.jwt_keys.expose());
        assert_eq!(first.secret_key.derive("x"), second.secret_key.derive("x"));
        let mode = std::fs::metadata(&path)
            .expect("exists")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_keys_is_an_error_and_is_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("keys");
        std::fs::write(&path, "kith_jwt_keys = \"hunter2\"").expect("writes");
        let fault = DevKeys::open(&path, &IdFactory::seeded(1))
            .err()
            .expect("refused");
        assert!(!fault.what.contains("hunter2"));
        assert!(path.exists());
    }
}
