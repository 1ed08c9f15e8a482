//! The folders that kith writes to, how mail goes out, and how much may be open.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kith::platform::config::Config;

use super::Finding;
use crate::cli::open_files;

/// What there is to say of `KITH_DIR`, the keys in it, mail, and open files.
pub fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![writable("KITH_DIR", &config.dir)];
    findings.extend(keys(&config.dir.join("keys")));
    findings.extend(mail(config));
    findings.extend(sockets(config));
    findings
}

fn writable(part: &'static str, dir: &Path) -> Finding {
    // A folder that is made when it is first needed is asked for in the folder above it.
    let mut existing = std::path::absolute(dir).unwrap_or_else(|_unknown| dir.to_owned());
    while !existing.exists() && existing.pop() {}
    match tempfile::tempfile_in(&existing) {
        Ok(_file) => Finding::well(part, format!("{} can be written", dir.display())),
        Err(error) => Finding::problem(
            part,
            format!("{} can't be written: {error}", existing.display()),
            "Give it to the user that kith runs as, make room on its disk, or set another folder.",
        ),
    }
}

fn keys(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return None;
    }
    Some(Finding::problem(
        "KITH_DIR",
        format!(
            "{} holds keys and can be read by others (mode {mode:o})",
            path.display()
        ),
        format!("Run `chmod 600 {}`.", path.display()),
    ))
}

fn sockets(config: &Config) -> Option<Finding> {
    let (_soft, allowed) = rlimit::Resource::NOFILE.get().ok()?;
    let needed = open_files::needed(config);
    if allowed >= needed {
        return None;
    }
    Some(Finding::warning(
        "open files",
        format!("a process may have {allowed} open, and with these settings it may need {needed}"),
        "Raise its limit (`LimitNOFILE=` of systemd), or lower KITH_MAX_SOCKETS.",
    ))
}

fn mail(config: &Config) -> Option<Finding> {
    if config.smtp_url.is_some() {
        let what = "a server for outgoing mail is set";
        return Some(Finding::well("mail", what));
    }
    // In production the settings have warned of it.
    (!config.is_production()).then(|| writable("mail", &config.mail_dir))
}
