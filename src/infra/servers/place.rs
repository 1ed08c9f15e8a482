//! The folder that a private server lives in: where it is, who owns it, and a way round folders
//! that an account without rights can't reach, such as a checkout below `/root`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};

use super::account::Account;
use crate::kernel::{IdFactory, hex};

/// Where servers live whose own folder is out of reach for the account that they run under.
const ELSEWHERE: &str = "/var/lib/kith";

/// A server's folder. It belongs to whoever runs kith, so that the server's account can plant
/// nothing in it that root would follow; that account gets rooms of its own below it.
#[derive(Debug)]
pub(super) struct Place {
    /// The real folder; never a link.
    pub(super) dir: PathBuf,
    /// `None` when the server runs as kith does.
    pub(super) account: Option<Account>,
    /// The link that leads to a folder elsewhere.
    link: Option<PathBuf>,
}

impl Place {
    /// Opens or makes the folder `dir` for a server that runs under the first of `accounts`.
    pub(super) fn open(dir: &Path, accounts: &[&str]) -> anyhow::Result<Self> {
        let dir = std::path::absolute(dir).context("could not tell the current folder")?;
        let (dir, link) = match (fs::read_link(&dir), dir.parent()) {
            (Ok(target), Some(parent)) => (parent.join(target), Some(dir)),
            _ => (dir, None),
        };
        make(&dir)?;
        let dir =
            fs::canonicalize(&dir).with_context(|| format!("could not read {}", dir.display()))?;
        let account = match Account::without_rights(accounts)? {
            Some(account) => Some(owner_of_data(&dir)?.unwrap_or(account)),
            None => None,
        };
        Ok(Self { dir, account, link })
    }

    /// This place, or one below `/var/lib` if the server's account can't reach this one; then a
    /// link leads there.
    pub(super) fn within_reach(self) -> anyhow::Result<Self> {
        let Some(account) = self.account else {
            return Ok(self);
        };
        let room = self.room("run")?;
        if reaches(account, &room) {
            return Ok(self);
        }
        if self.link.is_some() || self.path("data").exists() {
            bail!(
                "{} holds a server's data, but the account that owns it can't reach it. \
                 Open the folders above it with `chmod o+x`.",
                self.dir.display()
            );
        }
        let elsewhere = Path::new(ELSEWHERE);
        let dir = elsewhere.join(elsewhere_name(&self.dir));
        make(&dir)?;
        set_mode(elsewhere, 0o755)?;
        fs::remove_dir(&room)
            .and_then(|()| fs::remove_dir(&self.dir))
            .and_then(|()| symlink(&dir, &self.dir))
            .with_context(|| {
                format!("could not link {} to {}", self.dir.display(), dir.display())
            })?;
        Ok(Self {
            dir,
            account: Some(account),
            link: Some(self.dir),
        })
    }

    /// A folder in here which belongs to the server's account and is closed to all others.
    pub(super) fn room(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        if !path.exists() {
            fs::create_dir(&path)
                .with_context(|| format!("could not make the folder {}", path.display()))?;
            set_mode(&path, 0o700)?;
            if let Some(account) = self.account {
                account.give(&path)?;
            }
        }
        Ok(path)
    }

    /// A file or folder in here.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The secret kept in here, made on the first call. Only the owner may read it.
    pub(super) fn secret(&self) -> anyhow::Result<String> {
        let path = self.path("password");
        if let Ok(secret) = fs::read_to_string(&path)
            && !secret.trim().is_empty()
        {
            return Ok(secret.trim().to_owned());
        }
        let secret = hex(&IdFactory::from_os().bytes::<24>());
        self.write_private("password", &secret)?;
        Ok(secret)
    }

    /// Writes a file which only the owner of this place may read.
    pub(super) fn write_private(&self, name: &str, content: &str) -> anyhow::Result<()> {
        let path = self.path(name);
        let draft = self.path(&format!("{name}.new"));
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(content.as_bytes())
        };
        write().with_context(|| format!("could not write {}", draft.display()))?;
        if let Some(account) = self.account {
            account.give(&draft)?;
        }
        // A reader sees the old file or the whole new one, never half of it.
        fs::rename(&draft, &path).with_context(|| format!("could not write {}", path.display()))
    }

    /// Takes the folder and all that is in it away.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        if let Some(link) = &self.link {
            fs::remove_file(link)
                .with_context(|| format!("could not remove {}", link.display()))?;
        }
        fs::remove_dir_all(&self.dir)
            .with_context(|| format!("could not remove {}", self.dir.display()))
    }
}

/// Makes `dir` and the folders above it, unless it is there; then it must be ours.
fn make(dir: &Path) -> anyhow::Result<()> {
    if !dir.exists() {
        fs::create_dir_all(dir)
            .with_context(|| format!("could not make the folder {}", dir.display()))?;
        // Others may pass through and see nothing.
        return set_mode(dir, 0o711);
    }
    let found = fs::metadata(dir).with_context(|| format!("could not read {}", dir.display()))?;
    if !geteuid().is_root() && found.uid() != geteuid().as_raw() {
        bail!(
            "{} belongs to another user (number {}), from a run under another account. \
             Run kith as that user, or remove the folder if you don't need its data.",
            dir.display(),
            found.uid()
        );
    }
    Ok(())
}

/// The ordinary user to whom the data in `dir`, or else `dir`, belongs. When root starts a
/// server on such a folder, it runs as that user, who can then still use it without root.
fn owner_of_data(dir: &Path) -> anyhow::Result<Option<Account>> {
    let found = fs::metadata(dir.join("data"))
        .or_else(|_no_data_yet| fs::metadata(dir))
        .with_context(|| format!("could not read {}", dir.display()))?;
    Ok(Account::owner_of(&found))
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("could not set the rights of {}", path.display()))
}

/// Whether `account` can really write in `dir`: asked by trying, since access lists and odd file
/// systems make the mode bits a poor witness.
fn reaches(account: Account, dir: &Path) -> bool {
    let mut probe = Command::new("/bin/sh");
    probe
        .args(["-c", "test -w \"$1\" && cd \"$1\"", "sh"])
        .arg(dir)
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    account.wear(&mut probe);
    probe.status().is_ok_and(|status| status.success())
}

/// The folder's own name and a hash of its whole path: no two checkouts share one.
fn elsewhere_name(dir: &Path) -> String {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let hash = hex(&Sha256::digest(dir.as_os_str().as_encoded_bytes()));
    format!("{name}-{}", hash.get(..16).unwrap_or(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkouts_never_share_a_folder_elsewhere() {
        let one = elsewhere_name(Path::new("/root/one/.kith/postgres"));
        let two = elsewhere_name(Path::new("/root/two/.kith/postgres"));
        assert!(one.starts_with("postgres-") && one.len() == 25);
        assert_ne!(one, two);
    }

    #[test]
    fn a_secret_is_kept_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::open(&dir.path().join("server"), &["nobody"]).unwrap();
        let secret = place.secret().unwrap();
        assert_eq!(secret.len(), 48);
        assert_eq!(place.secret().unwrap(), secret);
        let mode = fs::metadata(place.path("password")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        place.remove().unwrap();
    }
}
