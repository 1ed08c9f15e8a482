//! The folders that kith writes to, and how mail goes out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kith::platform::config::Config;

use super::Finding;

/// What there is to say of `KITH_DIR`, the keys in it, and mail.
pub fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![writable("KITH_DIR", &config.dir)];
    findings.extend(keys(&config.dir.join("keys")));
    findings.push(mail(config));
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
    if mode & 0o077 == 0 {
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

fn mail(config: &Config) -> Finding {
    if config.smtp_url.is_some() {
        return Finding::well("mail", "a server for outgoing mail is set");
    }
    let folder = writable("mail", &config.mail_dir);
    if config.is_production() {
        return Finding::warning(
            "mail",
            "there is no server for it, so it reaches nobody",
            "Set KITH_SMTP_URL.",
        );
    }
    folder
}
