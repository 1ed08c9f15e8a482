//! The account that a server runs under. Postgres refuses to run as root, and no server of
//! kith's needs root's rights.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use nix::unistd::{Gid, Uid, User, geteuid};

/// A user and a group of this machine, which kith gives its rights up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: Uid,
    gid: Gid,
}

impl Account {
    /// The first of `names` that this machine knows, if kith runs as root; `None` if it doesn't
    /// and may simply stay who it is.
    pub(super) fn without_rights(names: &[&str]) -> anyhow::Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        for name in names {
            if let Some(user) = User::from_name(name).context("could not read the user list")? {
                return Ok(Some(Self {
                    uid: user.uid,
                    gid: user.gid,
                }));
            }
        }
        bail!(
            "kith runs as root and found no account to run its servers under (looked for: {}). \
             Make one with `useradd --system postgres`, or run kith as an ordinary user.",
            names.join(", ")
        )
    }

    /// The account that owns a folder, unless that is root.
    pub(super) fn owner_of(folder: &Metadata) -> Option<Self> {
        let uid = Uid::from_raw(folder.uid());
        (!uid.is_root()).then(|| Self {
            uid,
            gid: Gid::from_raw(folder.gid()),
        })
    }

    /// Makes `command` run under this account. The standard library also drops root's other
    /// groups on the way.
    pub(super) fn wear(self, command: &mut Command) {
        command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
    }

    /// Hands `path` over to this account.
    pub(super) fn give(self, path: &Path) -> anyhow::Result<()> {
        chown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw())).with_context(|| {
            format!(
                "could not hand {} over to the account that the server runs under",
                path.display()
            )
        })
    }
}
